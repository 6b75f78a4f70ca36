import type { JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import type { z } from 'zod';
import { readStream } from '../lib/bus/read-stream.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { parseAs } from '../lib/parse.ts';

export interface IntakeOptions<T> {
  js: JetStreamClient;
  manager: JetStreamManager;
  stream: string;
  /** Messages stored before this time are passed over; 0: none are. */
  since: number;
  parse(message: JsMsg): T;
  fold(value: T): void;
  rejected(): void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface Intake {
  /** Reads until `signal` is aborted. */
  run(): Promise<void>;
  /** Resolves when everything that the stream held at the call has been folded. */
  caughtUp(): Promise<void>;
}

/** Distinct subjects whose faults are logged; beyond that they are only counted. */
const maxLogged = 1000;

/** Folds one stream. A message that can not be parsed is counted, logged once a subject, and passed over. */
export function createIntake<T>(options: IntakeOptions<T>): Intake {
  const { js, manager, stream, since, clock, log, signal } = options;
  const logged = new Set<string>();
  let position = 0;

  const take = (message: JsMsg): void => {
    let value: T;
    try {
      value = options.parse(message);
    } catch (error) {
      options.rejected();
      if (logged.size < maxLogged && !logged.has(message.subject)) {
        logged.add(message.subject);
        log.error(
          { fault: messageOf(error).slice(0, 500), subject: message.subject },
          'message does not fit its schema',
        );
      }
      return;
    }
    try {
      options.fold(value);
    } catch (error) {
      log.error({ err: error, subject: message.subject }, 'message could not be folded');
    }
  };

  return {
    run: async () => {
      for await (const message of readStream(js, stream, { ...(since > 0 && { since }), clock, log, signal })) {
        take(message);
        position = message.seq;
      }
    },
    caughtUp: async () => {
      const { state } = await manager.streams.info(stream);
      const silent = state.messages === 0 || Date.parse(state.last_ts) < since;
      while (!silent && position < state.last_seq && !signal.aborted) await clock.sleep(10);
    },
  };
}

/** Longest message that is looked at: 1000 containers fit well. */
const maxBytes = 512 * 1024;

/** Of a message as it is read or as it is stored. */
export type Content = Pick<JsMsg, 'subject' | 'data'>;

export function decodeJson(message: Content): unknown {
  const { data } = message;
  if (data.length > maxBytes) throw new RangeError(`${data.length} bytes, expected at most ${maxBytes}`);
  return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
}

export const parseMessage = <T>(schema: z.ZodType<T>, message: Content): T =>
  parseAs(schema, decodeJson(message), message.subject);
