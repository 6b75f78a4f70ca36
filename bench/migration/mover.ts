import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { readStream } from '../../lib/bus/read-stream.ts';
import { request } from '../../lib/bus/request.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Decision, type MigrateRequest, migrateReplySchema } from '../../lib/contract/decision.ts';
import { type MigrationEvent, migrationEventSchema } from '../../lib/contract/migration.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';
import { migrateRequestSubject } from '../../lib/subjects.ts';

/** Asks for a move as a person would, and returns its last event. @throws Error when it did not succeed */
export async function moveTo(
  connection: NatsConnection,
  workload: string,
  target: string,
  log: Logger,
): Promise<MigrationEvent> {
  const asked: MigrateRequest = { workload, target, strategy: 'warm', dryRun: false };
  const reply = await accepted(connection, asked);
  const signal = AbortSignal.timeout(120_000);
  const filter = `migration.v1.*.event.${reply.decision.migration}.ended`;
  for await (const message of readStream(jetstream(connection, viaHub()), 'EVENTS', {
    clock: systemClock,
    log,
    signal,
    filter,
  })) {
    const event = parseJson(migrationEventSchema, message.data, message.subject);
    if (event.result !== 'succeeded') throw new Error(`${event.id}: ${event.result}: ${event.reason}`);
    return event;
  }
  throw new Error(`${workload} did not reach ${target} in time`);
}

/** Asks again while the decider does not know the nodes well enough yet. */
async function accepted(connection: NatsConnection, asked: MigrateRequest): Promise<{ decision: Decision }> {
  const deadline = performance.now() + 60_000;
  while (true) {
    const reply = await request(connection, migrateRequestSubject, asked, migrateReplySchema, { timeoutMs: 10_000 });
    if (reply.ok) return reply;
    if (performance.now() > deadline) throw new Error(reply.error.message);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
