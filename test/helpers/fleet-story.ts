import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Decision, decisionSchema } from '../../lib/contract/decision.ts';
import { type MigrationEvent, migrationEventSchema } from '../../lib/contract/migration.ts';
import type { Logger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';

/** All decisions and events of a fleet, as they come. */
export interface Story {
  decisions: Decision[];
  events: MigrationEvent[];
  of(migration: string): MigrationEvent[];
  /** The first that fits, past or to come. @throws Error after `ms`, with what was seen instead */
  until(what: string, ms: number, fits: (event: MigrationEvent) => boolean): Promise<MigrationEvent>;
}

export function followEvents(connection: NatsConnection, log: Logger, signal: AbortSignal): Story {
  const decisions: Decision[] = [];
  const events: MigrationEvent[] = [];
  const changes = new EventTarget();
  const follow = async (stream: string, take: (data: Uint8Array, subject: string) => void): Promise<void> => {
    const options = { clock: systemClock, log, signal };
    for await (const { data, subject } of readStream(jetstream(connection, viaHub()), stream, options)) {
      take(data, subject);
      changes.dispatchEvent(new Event('change'));
    }
  };
  void follow('DECISIONS', (data, subject) => decisions.push(parseJson(decisionSchema, data, subject)));
  void follow('EVENTS', (data, subject) => events.push(parseJson(migrationEventSchema, data, subject)));
  return {
    decisions,
    events,
    of: (migration) => events.filter(({ id }) => id === migration),
    until: async (what, ms, fits) => {
      const deadline = AbortSignal.timeout(ms);
      for (;;) {
        const found = events.find(fits);
        if (found) return found;
        if (deadline.aborted)
          throw new Error(`waited ${ms} ms for ${what}; the last events: ${tell(events.slice(-8))}`);
        await changed(changes, deadline);
      }
    },
  };
}

/** Events in a line each, for people who read a failed test. */
export function tell(events: readonly MigrationEvent[]): string {
  const lines = events.map(({ id, term, stage, result, reason }) =>
    [id.slice(-6), `term ${term}`, stage, result, reason].filter(Boolean).join(' '),
  );
  return lines.length > 0 ? `\n  ${lines.join('\n  ')}` : 'none';
}

function changed(changes: EventTarget, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      changes.removeEventListener('change', done);
      deadline.removeEventListener('abort', done);
      resolve();
    };
    changes.addEventListener('change', done);
    deadline.addEventListener('abort', done);
  });
}
