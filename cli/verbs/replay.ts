import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { openTrace } from '../../decider/replay/read/open.ts';
import { replayTrace } from '../../decider/replay/summary.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { printRecord } from '../output.ts';
import { positiveFlag, replayFlags, resolvePolicy, rowReader } from '../replay-flags.ts';

const shape = {
  file: z.string(),
  capacity: positiveFlag.default(100),
  decisions: z.string().optional(),
  ...replayFlags,
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'replay');
  const policy = await resolvePolicy(flags.policy);
  const reader = rowReader(flags.file, flags.skipBadRows, io);
  const trace = await openTrace(reader, flags.capacity);
  reader.tell();
  const lines = flags.decisions === undefined ? undefined : createWriteStream(flags.decisions);
  const { summary } = replayTrace(trace, policy, {
    decided: (decision) => lines?.write(`${JSON.stringify(decision)}\n`),
    stopwatch: () => io.clock.monotonic(),
  });
  if (lines) await finished(lines.end());
  printRecord(io, { ...summary }, flags.output);
  return exitCodes.done;
};
