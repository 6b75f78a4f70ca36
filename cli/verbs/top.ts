import { z } from 'zod';
import { readStream } from '../../lib/bus/read-stream.ts';
import { type Telemetry, telemetrySchema } from '../../lib/contract/telemetry.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import { parseOrSkip, readHistory } from '../history.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { kindFlag } from '../kinds/kinds.ts';
import { nodeLoad, workloadLoad, workloadLoads } from '../kinds/load.ts';
import { createPrinter, type Kind, outputFlags } from '../output.ts';

const shape = {
  kind: kindFlag.pipe(choice('kind', ['nodes', 'workloads'])),
  watch: z.boolean().default(false),
  config: z.string().optional(),
  ...outputFlags,
};
type Flags = z.output<z.ZodObject<typeof shape>>;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'top');
  await withHub(flags.config, io, (hub) =>
    flags.kind === 'nodes'
      ? show(hub, io, flags, nodeLoad, (sample) => [sample])
      : show(hub, io, flags, workloadLoad, workloadLoads),
  );
  return exitCodes.done;
};

async function show<T>(
  hub: Hub,
  io: Io,
  flags: Flags,
  kind: (now: number) => Kind<T>,
  rowsOf: (sample: Telemetry) => T[],
): Promise<void> {
  const since = io.clock.now();
  const print = createPrinter<T>(io, { ...flags, stream: flags.watch });
  const newest = await readHistory(hub, 'TELEMETRY', telemetrySchema, {
    filter: 'telemetry.v1.>',
    lastOfEach: true,
  });
  print(kind(since), newest.flatMap(rowsOf));
  if (newest.length === 0) io.err('No samples yet.\n');
  if (!flags.watch) return;
  const options = { since, clock: io.clock, log: hub.log, signal: io.signal };
  for await (const message of readStream(hub.js, 'TELEMETRY', options)) {
    const sample = parseOrSkip(message, telemetrySchema);
    if (sample) print(kind(io.clock.now()), rowsOf(sample));
  }
}
