import { jetstreamManager } from '@nats-io/jetstream';
import { readStream } from '../lib/bus/read-stream.ts';
import { viaHub } from '../lib/bus/streams.ts';
import { type Telemetry, telemetrySchema } from '../lib/contract/telemetry.ts';
import { parseOrSkip } from './history.ts';
import type { Hub } from './hub-client.ts';
import type { Io } from './io.ts';

/** The samples that the hub holds from `since` on, and no later ones; oldest first. */
export async function* storedSamples(hub: Hub, io: Io, since: number): AsyncGenerator<Telemetry> {
  const manager = await jetstreamManager(hub.connection, viaHub());
  const { state } = await manager.streams.info('TELEMETRY');
  if (state.messages === 0 || Date.parse(state.last_ts) < since) return;
  for await (const message of readStream(hub.js, 'TELEMETRY', {
    since,
    clock: io.clock,
    log: hub.log,
    signal: io.signal,
  })) {
    const sample = parseOrSkip(message, telemetrySchema);
    if (sample) yield sample;
    if (message.seq >= state.last_seq) return;
  }
}
