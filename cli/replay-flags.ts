import { z } from 'zod';
import { namedPolicy } from '../decider/replay/edge/policies.ts';
import type { RowOptions } from '../decider/replay/read/rows.ts';
import type { Policy } from '../lib/contract/policy.ts';
import { choice } from './flags.ts';
import type { Io } from './io.ts';
import { readPolicyFile } from './policy-file.ts';

/** A number above 0, as in `--uplink 2.5`. */
export const positiveFlag = z
  .string()
  .transform(Number)
  .pipe(z.number('expected a number').positive('expected a number above 0').max(1e6));

export const seedFlag = z
  .string()
  .regex(/^\d{1,9}$/, 'expected a whole number')
  .transform(Number);

export const replayFlags = {
  policy: z.string().default('default'),
  skipBadRows: z.boolean().default(false),
  output: choice('format', ['table', 'json', 'yaml']).default('table'),
};

/** A policy by its name, or else by its file. @throws E_INPUT, E_CONFIG */
export async function resolvePolicy(text: string): Promise<Policy> {
  return namedPolicy(text) ?? (await readPolicyFile(text)).policy;
}

const shownRows = 20;

/** Says on stderr which rows were left out: the first ones by name, and how many in all. */
export function rowReader(file: string, skipBadRows: boolean, io: Io): RowOptions & { tell(): void } {
  let count = 0;
  return {
    file,
    skipBadRows,
    skipped: (place) => {
      if (++count <= shownRows) io.err(`skipped ${place}\n`);
    },
    tell: () => {
      if (count > 0) io.err(`${count} bad ${count === 1 ? 'row was' : 'rows were'} skipped\n`);
    },
  };
}
