import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Decision, decisionSchema } from '../../lib/contract/decision.ts';
import { type MigrationEvent, migrationEventSchema } from '../../lib/contract/migration.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';

export interface Timeline {
  decisions: Decision[];
  events: MigrationEvent[];
  /** Resolves with the first event that fits, past or to come. @throws Error after `ms` */
  until(what: string, ms: number, fits: (event: MigrationEvent) => boolean): Promise<MigrationEvent>;
}

/** Follows decisions and migration events, and tells each as it comes. */
export function followFleet(
  connection: NatsConnection,
  tell: (line: string) => void,
  log: Logger,
  signal: AbortSignal,
): Timeline {
  const decisions: Decision[] = [];
  const events: MigrationEvent[] = [];
  const changes = new EventTarget();
  const options = { clock: systemClock, log, signal };
  const follow = async (stream: string, take: (data: Uint8Array, subject: string) => void): Promise<void> => {
    for await (const message of readStream(jetstream(connection, viaHub()), stream, options)) {
      take(message.data, message.subject);
      changes.dispatchEvent(new Event('change'));
    }
  };
  void follow('DECISIONS', (data, subject) => {
    const decision = parseJson(decisionSchema, data, subject);
    decisions.push(decision);
    tell(`decision   ${decision.sentence}`);
  });
  void follow('EVENTS', (data, subject) => {
    const event = parseJson(migrationEventSchema, data, subject);
    events.push(event);
    tell(`migration  ${event.workload}: ${describe(event)}`);
  });
  return { decisions, events, until: (what, ms, fits) => until(changes, events, what, ms, fits) };
}

function describe(event: MigrationEvent): string {
  const route = `${event.source} → ${event.target}`;
  if (event.stage === 'requested') return `${event.strategy} ${route} (${event.trigger})`;
  if (event.stage === 'ended') return `${event.result}${event.reason ? `: ${event.reason}` : ''}`;
  return event.stage;
}

async function until(
  changes: EventTarget,
  events: readonly MigrationEvent[],
  what: string,
  ms: number,
  fits: (event: MigrationEvent) => boolean,
): Promise<MigrationEvent> {
  const deadline = AbortSignal.timeout(ms);
  while (true) {
    const found = events.find(fits);
    if (found) return found;
    if (deadline.aborted) throw new Error(`${what} did not happen within ${ms / 1000} s`);
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      changes.addEventListener('change', done, { once: true });
      deadline.addEventListener('abort', done, { once: true });
    });
  }
}
