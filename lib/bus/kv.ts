import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { GodwitError, toGodwitError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { parseJson } from '../parse.ts';
import { type Bucket, viaHub } from './streams.ts';

export interface Versioned<T> {
  key: string;
  value: T;
  revision: number;
}

/** A bucket of one kind of value. `create` and `update` throw E_CONFLICT when somebody else was first. */
export interface Store<T> {
  get(key: string): Promise<Versioned<T> | undefined>;
  list(): Promise<Versioned<T>[]>;
  put(key: string, value: T): Promise<number>;
  create(key: string, value: T): Promise<number>;
  update(key: string, value: T, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
  /** Every present value, then every change; `value` is undefined where a key was deleted. Ends when `signal` is aborted. */
  watch(options: { signal: AbortSignal }): AsyncIterable<{ key: string; value: T | undefined; revision: number }>;
}

const wrongLastSequence = 10071;
const wrongLastSequenceUnknown = 10164;

/** Opens a bucket of the hub; a value that does not fit the schema is logged once per revision and passed over. */
export async function openStore<T>(
  connection: NatsConnection,
  bucket: Bucket,
  schema: z.ZodType<T>,
  log: Logger,
): Promise<Store<T>> {
  const kv = await busCall(`bucket ${bucket}`, () => new Kvm(jetstream(connection, viaHub())).open(bucket));
  const parse = (key: string, data: Uint8Array): T | undefined => {
    try {
      return parseJson(schema, data, `${bucket}/${key}`);
    } catch (error) {
      log.error({ err: error, bucket, key }, 'value does not fit its schema');
      return undefined;
    }
  };
  const get = async (key: string): Promise<Versioned<T> | undefined> => {
    const entry = await busCall(`${bucket}/${key}`, () => kv.get(key));
    if (entry?.operation !== 'PUT') return undefined;
    const value = parse(key, entry.value);
    return value === undefined ? undefined : { key, value, revision: entry.revision };
  };
  return {
    get,
    list: async () => {
      const found: Versioned<T>[] = [];
      for (const key of await keysOf(kv)) {
        const entry = await get(key);
        if (entry) found.push(entry);
      }
      return found;
    },
    put: (key, value) => busCall(`${bucket}/${key}`, () => kv.put(key, JSON.stringify(value))),
    create: (key, value) => compareAndSet(bucket, key, () => kv.create(key, JSON.stringify(value))),
    update: (key, value, revision) => compareAndSet(bucket, key, () => kv.update(key, JSON.stringify(value), revision)),
    delete: (key) => busCall(`${bucket}/${key}`, () => kv.delete(key)),
    watch: (options) => watchStore(kv, parse, options.signal),
  };
}

async function keysOf(kv: KV): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  return keys.sort();
}

async function* watchStore<T>(
  kv: KV,
  parse: (key: string, data: Uint8Array) => T | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ key: string; value: T | undefined; revision: number }> {
  const watcher = await kv.watch();
  const stop = (): void => watcher.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const entry of watcher) {
      if (signal.aborted) return;
      if (entry.operation !== 'PUT') yield { key: entry.key, value: undefined, revision: entry.revision };
      else {
        const value = parse(entry.key, entry.value);
        if (value !== undefined) yield { key: entry.key, value, revision: entry.revision };
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    watcher.stop();
  }
}

async function compareAndSet(bucket: string, key: string, write: () => Promise<number>): Promise<number> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof JetStreamApiError && [wrongLastSequence, wrongLastSequenceUnknown].includes(error.code))
      throw new GodwitError('E_CONFLICT', `${bucket}/${key} was changed by somebody else`, { cause: error });
    throw toGodwitError(error, 'E_BUS', `${bucket}/${key}`);
  }
}

async function busCall<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toGodwitError(error, 'E_BUS', what);
  }
}
