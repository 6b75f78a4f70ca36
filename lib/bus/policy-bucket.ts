import { jetstream } from '@nats-io/jetstream';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { type PolicyStatus, policyStatusSchema } from '../contract/policy.ts';
import { toGodwitError } from '../errors.ts';
import { parseJson } from '../parse.ts';
import { type Bucket, viaHub } from './streams.ts';

/** A policy text in the bucket, and when it was put there by the hub's clock. */
interface PolicyText {
  text: string;
  writtenAt: number;
}

/**
 * The bucket `policy`. `current` holds the text that was last asked for, as it was written; `last-good` the last text that was
 * accepted, which outlives bad edits; `status` what the decider says of `current`; `origin` the object that `current` is kept the same
 * as, empty when there is none.
 */
export interface PolicyBucket {
  read(key: 'current' | 'last-good'): Promise<PolicyText | undefined>;
  write(key: 'current' | 'last-good', text: string): Promise<number>;
  /** Such as `ConfigMap godwit-system/godwit-policy`; undefined: whoever writes `current` last counts. */
  readOrigin(): Promise<string | undefined>;
  /** Writes only what differs. */
  writeOrigin(origin: string | undefined): Promise<void>;
  readStatus(): Promise<PolicyStatus | undefined>;
  writeStatus(status: PolicyStatus): Promise<void>;
  /** The current text, then every change of it; ends when `signal` is aborted. */
  watch(options: { signal: AbortSignal }): AsyncIterable<PolicyText>;
}

export async function openPolicyBucket(connection: NatsConnection): Promise<PolicyBucket> {
  const bucket: Bucket = 'policy';
  const call = async <T>(what: () => Promise<T>): Promise<T> => {
    try {
      return await what();
    } catch (error) {
      throw toGodwitError(error, 'E_BUS', `bucket ${bucket}`);
    }
  };
  const kv = await call(() => new Kvm(jetstream(connection, viaHub())).open(bucket));
  const readOrigin = async (): Promise<string> => textOf(await call(() => kv.get('origin')))?.text ?? '';
  return {
    read: async (key) => textOf(await call(() => kv.get(key))),
    write: (key, text) => call(() => kv.put(key, text)),
    readOrigin: async () => (await readOrigin()) || undefined,
    writeOrigin: async (origin = '') => {
      if ((await readOrigin()) !== origin) await call(() => kv.put('origin', origin));
    },
    readStatus: async () => {
      const entry = await call(() => kv.get('status'));
      return entry?.operation === 'PUT' ? parseJson(policyStatusSchema, entry.value, 'policy/status') : undefined;
    },
    writeStatus: async (status) => {
      await call(() => kv.put('status', JSON.stringify(status)));
    },
    watch: (options) => watchText(kv, options.signal),
  };
}

async function* watchText(kv: KV, signal: AbortSignal): AsyncGenerator<PolicyText> {
  const watcher = await kv.watch({ key: 'current' });
  const stop = (): void => watcher.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const entry of watcher) {
      const text = textOf(entry);
      if (signal.aborted) return;
      if (text) yield text;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    watcher.stop();
  }
}

function textOf(entry: KvEntry | null): PolicyText | undefined {
  if (entry?.operation !== 'PUT') return undefined;
  return { text: entry.string(), writtenAt: entry.created.getTime() };
}
