import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { parseAs } from '../lib/parse.ts';
import type { KubeClient } from './client.ts';
import { refusalOf } from './kube-error.ts';
import type { Metadata } from './objects/meta.ts';
import type { ObjectKey, Resource, Selection } from './resource.ts';
import type { WatchEvent } from './watch.ts';

interface Watched {
  metadata: Metadata;
}

export interface Change<T> {
  kind: 'added' | 'updated' | 'deleted';
  /** As it is now; of a deleted one, as it was last seen. */
  object: T;
}

export interface InformerOptions<T extends Watched> {
  client: KubeClient;
  resource: Resource;
  /** Which objects; all by default. */
  selection?: Selection;
  /** Of what is read of an object. One that does not fit is logged and passed over. */
  schema: z.ZodType<T>;
  /** Told of each change, after it can be seen in `list`; must not throw. */
  onChange?(change: Change<T>): void;
  clock: Clock;
  /** 0 to 1. */
  random(): number;
  log: Logger;
}

export interface Informer<T> {
  list(): T[];
  get(key: ObjectKey): T | undefined;
  /** True once everything has been seen once; it stays true while the API server is away. */
  synced(): boolean;
  /** When the API server was last heard of, milliseconds since the epoch; bookmarks count. */
  lastEventAt(): number | undefined;
  /** Lists and watches until `signal` is aborted, whatever fails. */
  run(options: { signal: AbortSignal }): Promise<void>;
}

const relistMs = 600_000;
const watchSeconds = 60;
const firstPauseMs = 250;
const longestPauseMs = 5000;

export const keyOf = ({ namespace, name }: ObjectKey): string => `${namespace ?? ''}/${name}`;

/**
 * All objects of a kind, kept up to date: a list, then watches from where it ended, and a new list every 10 minutes. Any fault leads to a
 * pause with jitter and a new list. Nothing runs beside `run`, so that after its end nothing is told any more.
 */
export function createInformer<T extends Watched>(options: InformerOptions<T>): Informer<T> {
  const { client, resource, selection = {}, schema, onChange, clock, random, log } = options;
  const objects = new Map<string, T>();
  let synced = false;
  let heardAt: number | undefined;
  let resourceVersion = '';
  /** In a row. A list alone is no success: one that is watched in vain would be asked for again and again. */
  let failures = 0;

  const parse = (raw: unknown): T | undefined => {
    try {
      return parseAs(schema, withoutManagedFields(raw), resource.kind);
    } catch (error) {
      log.error({ err: error, kind: resource.kind }, 'object does not fit its schema');
      return undefined;
    }
  };

  const put = (object: T): void => {
    const key = keyOf(object.metadata);
    const before = objects.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    objects.set(key, object);
    onChange?.({ kind: before ? 'updated' : 'added', object });
  };

  const remove = (key: string): void => {
    const object = objects.get(key);
    if (!object) return;
    objects.delete(key);
    onChange?.({ kind: 'deleted', object });
  };

  const relist = async (signal: AbortSignal): Promise<void> => {
    const found = await client.list(resource, selection, { signal });
    heardAt = clock.now();
    const present = found.items.map(parse).filter((object) => object !== undefined);
    const keys = new Set(present.map(({ metadata }) => keyOf(metadata)));
    for (const key of [...objects.keys()]) if (!keys.has(key)) remove(key);
    synced = true;
    for (const object of present) put(object);
    resourceVersion = found.resourceVersion;
  };

  const take = ({ type, object: raw }: WatchEvent): void => {
    if (type === 'ERROR')
      throw refusalOf(`watching ${resource.plural}`, (raw as { code?: number }).code ?? 0, JSON.stringify(raw));
    failures = 0;
    resourceVersion = versionOf(raw) ?? resourceVersion;
    if (type === 'BOOKMARK') return;
    const object = parse(raw);
    if (object && type === 'DELETED') remove(keyOf(object.metadata));
    else if (object) put(object);
  };

  const follow = async (signal: AbortSignal): Promise<void> => {
    const from = { ...selection, resourceVersion, seconds: watchSeconds };
    for await (const event of client.watch(resource, from, { signal })) {
      if (signal.aborted) return;
      heardAt = clock.now();
      take(event);
    }
  };

  const cycle = async (signal: AbortSignal): Promise<void> => {
    await relist(signal);
    const end = clock.monotonic() + relistMs;
    while (!signal.aborted && clock.monotonic() < end) {
      await follow(signal);
      failures = 0;
    }
  };

  const run = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    while (!signal.aborted) {
      try {
        await cycle(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error, kind: resource.kind, failures }, 'list or watch failed; trying again');
        const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** failures++);
        await clock.sleep(longest * (0.5 + random() / 2), { signal }).catch(() => undefined);
      }
    }
  };

  return {
    list: () => [...objects.values()],
    get: (key) => objects.get(keyOf(key)),
    synced: () => synced,
    lastEventAt: () => heardAt,
    run,
  };
}

const versionOf = (raw: unknown): string | undefined =>
  (raw as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion;

/** Who last wrote which field: often more than the rest of the object, and nobody reads it. */
function withoutManagedFields(raw: unknown): unknown {
  const { metadata, ...rest } = raw as { metadata?: Record<string, unknown> };
  if (!metadata) return raw;
  const { managedFields: _, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
