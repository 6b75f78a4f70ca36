import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { telemetrySchema } from '../../lib/contract/telemetry.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';

export interface Calm {
  node: string;
  /** Share of the node's cores. */
  belowRatio: number;
  forMs: number;
  deadlineMs: number;
}

/** Resolves when the node's CPU has stayed below the ratio for the time. @throws Error past the deadline */
export async function untilCalm(connection: NatsConnection, log: Logger, calm: Calm): Promise<void> {
  const signal = AbortSignal.timeout(calm.deadlineMs);
  let since: number | undefined;
  for await (const message of readStream(jetstream(connection, viaHub()), 'TELEMETRY', {
    clock: systemClock,
    log,
    signal,
  })) {
    const sample = parseJson(telemetrySchema, message.data, message.subject);
    if (sample.node !== calm.node) continue;
    const quiet = sample.cpu.usageCores / sample.cpu.capacityCores < calm.belowRatio;
    since = quiet ? (since ?? sample.at) : undefined;
    if (since !== undefined && sample.at - since >= calm.forMs) return;
  }
  throw new Error(`${calm.node} did not come to rest in ${calm.deadlineMs / 1000} s`);
}
