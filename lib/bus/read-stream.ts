import {
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';

export interface ReadOptions {
  /** Only messages stored since then, milliseconds since the epoch; by default all that the stream holds. */
  since?: number;
  filter?: string;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** What one question for messages is good for. The client waits about as long before it looks again after a server's restart. */
const questionMs = 2000;

/**
 * Every message of a stream in its order, then the new ones, by an ordered consumer: nothing is acknowledged, gaps are read again.
 * A failure is logged and reading goes on behind the last message seen. Ends when `signal` is aborted.
 */
export async function* readStream(js: JetStreamClient, stream: string, options: ReadOptions): AsyncGenerator<JsMsg> {
  let last = 0;
  while (!options.signal.aborted) {
    try {
      for await (const message of consume(js, stream, startOf(last, options), options.signal)) {
        last = message.seq;
        yield message;
      }
    } catch (error) {
      if (options.signal.aborted) return;
      options.log.warn({ err: error, stream }, 'reading failed; trying again');
      await options.clock.sleep(500);
    }
  }
}

function startOf(last: number, { since, filter }: ReadOptions): Partial<OrderedConsumerOptions> {
  const subjects = filter === undefined ? {} : { filter_subjects: filter };
  if (last > 0) return { ...subjects, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 };
  if (since === undefined) return { ...subjects, deliver_policy: DeliverPolicy.All };
  return {
    ...subjects,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(Math.max(0, since)).toISOString(),
  };
}

async function* consume(
  js: JetStreamClient,
  stream: string,
  start: Partial<OrderedConsumerOptions>,
  signal: AbortSignal,
): AsyncGenerator<JsMsg> {
  const consumer = await js.consumers.get(stream, start);
  const messages = await consumer.consume({ max_messages: 1000, expires: questionMs });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  void stopWhenLost(messages);
  try {
    for await (const message of messages) {
      if (signal.aborted) return;
      yield message;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
  }
}

/**
 * Ends the reading when the server has lost its consumer, by a restart or a gap. The client would make a new one by itself, but
 * never succeeds where reading had begun at a time: it then asks for a first sequence and a first time at once.
 */
async function stopWhenLost(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status())
    if (type === 'consumer_not_found' || type === 'reset') messages.stop();
}
