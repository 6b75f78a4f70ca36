import { AckPolicy, DeliverPolicy, type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import type { z } from 'zod';
import { viaHub } from '../lib/bus/streams.ts';
import { hasCode } from '../lib/errors.ts';
import { parseJson } from '../lib/parse.ts';
import type { Hub } from './hub-client.ts';

export interface HistoryOptions {
  filter?: string;
  /** Sequence number in the stream. */
  from?: number;
  /** The newest message of each subject only. */
  lastOfEach?: boolean;
}

/** What a stream holds now, oldest first; a message that does not fit the schema is passed over. */
export async function readHistory<T>(
  hub: Hub,
  stream: string,
  schema: z.ZodType<T>,
  options: HistoryOptions = {},
): Promise<T[]> {
  const manager = await jetstreamManager(hub.connection, viaHub());
  const { name, num_pending: count } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    inactive_threshold: 30_000_000_000,
    mem_storage: true,
    ...startOf(options),
    ...(options.filter && { filter_subject: options.filter }),
  });
  const found: T[] = [];
  if (count > 0) {
    const consumer = await hub.js.consumers.get(stream, name);
    for await (const message of await consumer.fetch({ max_messages: count, expires: 10_000 })) {
      const value = parseOrSkip(message, schema);
      if (value !== undefined) found.push(value);
    }
  }
  await manager.consumers.delete(stream, name);
  return found;
}

/** The newest `limit` messages of a stream, oldest first. */
export async function readNewest<T>(hub: Hub, stream: string, schema: z.ZodType<T>, limit: number): Promise<T[]> {
  return readHistory(hub, stream, schema, { from: Math.max(1, (await lastSequence(hub, stream)) - limit + 1) });
}

const step = 1000;

/** Looks for a message from the newest to the oldest. */
export async function findNewest<T>(
  hub: Hub,
  stream: string,
  schema: z.ZodType<T>,
  matches: (value: T) => boolean,
): Promise<T | undefined> {
  for (let end = await lastSequence(hub, stream); end > 0; end -= step) {
    const part = await readHistory(hub, stream, schema, { from: Math.max(1, end - step + 1) });
    const found = part.findLast(matches);
    if (found) return found;
  }
  return undefined;
}

async function lastSequence(hub: Hub, stream: string): Promise<number> {
  const manager = await jetstreamManager(hub.connection, viaHub());
  return (await manager.streams.info(stream)).state.last_seq;
}

function startOf({ from, lastOfEach }: HistoryOptions): object {
  if (lastOfEach) return { deliver_policy: DeliverPolicy.LastPerSubject };
  if (from !== undefined) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  return { deliver_policy: DeliverPolicy.All };
}

export function parseOrSkip<T>(message: JsMsg, schema: z.ZodType<T>): T | undefined {
  try {
    return parseJson(schema, message.data, message.subject);
  } catch (error) {
    if (hasCode(error, 'E_INPUT')) return undefined;
    throw error;
  }
}
