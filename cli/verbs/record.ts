import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import { createEncoder } from '../../decider/replay/recording/encode.ts';
import { readStream } from '../../lib/bus/read-stream.ts';
import { telemetrySchema } from '../../lib/contract/telemetry.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, timeFlag } from '../flags.ts';
import { parseOrSkip } from '../history.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { age } from '../output.ts';

const shape = {
  file: z.string(),
  since: timeFlag.default(0),
  for: timeFlag.optional(),
  config: z.string().optional(),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'record');
  const samples = await withHub(flags.config, io, (hub) => record(hub, io, flags));
  io.err(`${samples} samples recorded\n`);
  io.out(`${flags.file}\n`);
  return exitCodes.done;
};

async function record(
  hub: Hub,
  io: Io,
  { file, since, for: lasts }: { file: string; since: number; for?: number | undefined },
): Promise<number> {
  const encoder = createEncoder();
  const gzip = createGzip();
  const out = gzip.pipe(createWriteStream(file, { mode: 0o600 }));
  const written = finished(out);
  written.catch(() => undefined);
  gzip.write(encoder.head());
  const from = io.clock.now() - since;
  const signal = lasts === undefined ? io.signal : AbortSignal.any([io.signal, AbortSignal.timeout(lasts)]);
  const following = followNodes(hub, signal, (line) => gzip.write(line), encoder);
  if (lasts === undefined) io.err('Recording until Ctrl-C.\n');
  let samples = 0;
  for await (const message of readStream(hub.js, 'TELEMETRY', { since: from, clock: io.clock, log: hub.log, signal })) {
    const sample = parseOrSkip(message, telemetrySchema);
    if (!sample) continue;
    gzip.write(encoder.sample(sample));
    if (++samples % 1000 === 0) io.err(`${samples} samples, the newest ${age(sample.at, io.clock.now())} old\n`);
  }
  await following;
  gzip.end();
  await written.catch((error: unknown) => {
    throw toGodwitError(error, 'E_INPUT', file);
  });
  return samples;
}

/** Who the nodes are, and each change of what runs on them. */
async function followNodes(
  hub: Hub,
  signal: AbortSignal,
  write: (line: string) => void,
  encoder: ReturnType<typeof createEncoder>,
): Promise<void> {
  const nodes = await hub.nodes();
  for await (const { value } of nodes.watch({ signal })) if (value) write(encoder.node(value));
}
