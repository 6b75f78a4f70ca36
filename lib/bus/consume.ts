import type { JetStreamClient, JsMsg } from '@nats-io/jetstream';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { hasCode, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { parseJson } from '../parse.ts';

export interface ConsumeOptions<T> {
  stream: string;
  consumer: string;
  schema: z.ZodType<T>;
  /** How often the server hears that the message is still worked on. */
  workingEveryMs: number;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /**
   * `attempt` counts deliveries from 1, `sequence` is the message's for ever. Returning ends the message; throwing gives it back
   * for redelivery after `retryDelayMs`; throwing E_STALE leaves it alone, for another worker holds it by now.
   */
  handle(message: T, context: { attempt: number; subject: string; sequence: number }): Promise<void>;
  retryDelayMs?: number;
}

/**
 * Works on one message at a time until `signal` is aborted. A message that does not parse is logged with its path and terminated.
 * Every failure of the consumer itself is logged and tried again.
 */
export async function consumeOneByOne<T>(js: JetStreamClient, options: ConsumeOptions<T>): Promise<void> {
  while (!options.signal.aborted) {
    try {
      const consumer = await js.consumers.get(options.stream, options.consumer);
      const message = await consumer.next({ expires: 1000 });
      if (message) await work(message, options);
    } catch (error) {
      if (options.signal.aborted) return;
      options.log.warn({ err: error, stream: options.stream }, 'consumer failed; trying again');
      await options.clock.sleep(500);
    }
  }
}

async function work<T>(message: JsMsg, options: ConsumeOptions<T>): Promise<void> {
  let value: T;
  try {
    value = parseJson(options.schema, message.data, message.subject);
  } catch (error) {
    options.log.error({ err: error, subject: message.subject }, 'message does not fit its schema');
    message.term(messageOf(error).slice(0, 200));
    return;
  }
  const heartbeat = setInterval(() => message.working(), options.workingEveryMs);
  try {
    await options.handle(value, {
      attempt: message.info.deliveryCount,
      subject: message.subject,
      sequence: message.seq,
    });
    await message.ackAck();
  } catch (error) {
    if (hasCode(error, 'E_STALE')) {
      options.log.warn({ err: error, subject: message.subject }, 'message left to another worker');
      return;
    }
    options.log.warn({ err: error, subject: message.subject }, 'message given back');
    message.nak(options.retryDelayMs ?? 1000);
  } finally {
    clearInterval(heartbeat);
  }
}
