import { EventEmitter, on } from 'node:events';
import type { z } from 'zod';
import { type Change, createInformer, type InformerOptions } from '../../k8s/informer.ts';
import type { Metadata } from '../../k8s/objects/meta.ts';
import type { Resource, Selection } from '../../k8s/resource.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Cluster } from './cluster.ts';

/** The objects, then every change of them, whatever becomes of the connection; ends when `signal` is aborted. */
export async function* watched<T extends { metadata: Metadata }>(
  { client, log }: Cluster,
  resource: Resource,
  { selection, schema, signal }: { selection: Selection; schema: z.ZodType<T>; signal: AbortSignal },
): AsyncGenerator<Change<T>> {
  const emitter = new EventEmitter();
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  const changes = on(emitter, 'change', { signal: over });
  const onChange: InformerOptions<T>['onChange'] = (change) => emitter.emit('change', change);
  const tools = { clock: systemClock, random: Math.random, log };
  const running = createInformer({ client, resource, selection, schema, onChange, ...tools }).run({ signal: over });
  try {
    for await (const [change] of changes) yield change as Change<T>;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    await running;
  }
}
