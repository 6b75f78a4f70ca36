import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { migrationEventSchema } from '../../lib/contract/migration.ts';
import { toGodwitError } from '../../lib/errors.ts';
import { parseJson } from '../../lib/parse.ts';
import type { ControllerTools } from '../controller.ts';
import { foldEvent, type Progress } from './progress.ts';

export interface Stories {
  of(migration: string): Progress | undefined;
  /** Everything that the stream held at the start has been folded. */
  caughtUp(): boolean;
  forget(migration: string): void;
  /** Reads from `since` on, milliseconds since the epoch, until `signal` is aborted. */
  run(options: { since: number; signal: AbortSignal }): Promise<void>;
}

/** The events of the cluster's migrations, folded; `onChange` is told of each one that `isOurs`. */
export function followStories(
  { connection, clock, log }: Pick<ControllerTools, 'connection' | 'clock' | 'log'>,
  isOurs: (migration: string) => boolean,
  onChange: (migration: string) => void,
): Stories {
  const stories = new Map<string, Progress>();
  let awaited = Number.POSITIVE_INFINITY;
  let seen = 0;

  const take = (subject: string, data: Uint8Array): void => {
    try {
      const event = parseJson(migrationEventSchema, data, subject);
      // what the controllers themselves have told before the command
      if (!isOurs(event.id) || event.term === 0) return;
      stories.set(event.id, foldEvent(stories.get(event.id), event));
      onChange(event.id);
    } catch (error) {
      log.error({ err: error, subject }, 'event does not fit its schema');
    }
  };

  return {
    of: (migration) => stories.get(migration),
    caughtUp: () => seen >= awaited,
    forget: (migration) => void stories.delete(migration),
    run: async ({ since, signal }) => {
      const js = jetstream(connection, viaHub());
      awaited = await lastSequence(connection, since);
      if (awaited === 0) onChange('');
      for await (const message of readStream(js, 'EVENTS', { since, clock, log, signal })) {
        seen = message.seq;
        take(message.subject, message.data);
        if (seen === awaited) onChange('');
      }
    },
  };
}

/** Of the stream now; 0 when nothing of it is as young as that. */
async function lastSequence(connection: ControllerTools['connection'], since: number): Promise<number> {
  try {
    const manager = await jetstreamManager(connection, viaHub());
    const { state } = await manager.streams.info('EVENTS');
    const { messages, last_seq: last, last_ts: at } = state;
    return messages === 0 || Date.parse(String(at)) < since ? 0 : last;
  } catch (error) {
    throw toGodwitError(error, 'E_BUS', 'stream EVENTS');
  }
}
