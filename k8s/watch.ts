import { createInterface } from 'node:readline';
import { z } from 'zod';
import { parseJson } from '../lib/parse.ts';
import { answerMs, type Http, textOf } from './http.ts';
import { refusalOf, toKubeError } from './kube-error.ts';
import { listPath, type Resource, type Selection } from './resource.ts';

const watchEventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  /** A Status where `type` is ERROR. */
  object: z.unknown(),
});
export type WatchEvent = z.infer<typeof watchEventSchema>;

/**
 * One watch, from its first line to its end. Not the library's: that one can not be ended while it connects, swallows what its
 * callbacks throw, and calls 30 s of silence a fault.
 */
export async function* watchLines(
  { open }: Http,
  resource: Resource,
  { namespace, seconds, ...rest }: Selection & { resourceVersion: string; seconds: number },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const doing = `watching ${resource.plural}`;
  const query = { ...rest, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
  const timeoutMs = seconds * 1000 + answerMs;
  const response = await open(doing, 'GET', listPath(resource, namespace), { query, signal, timeoutMs });
  const { statusCode = 0 } = response;
  if (statusCode >= 400) throw refusalOf(doing, statusCode, await textOf(response, doing));
  const lines = createInterface(response);
  const failed = new Promise<never>((_, reject) => response.on('error', reject));
  failed.catch(() => undefined);
  try {
    const iterator = lines[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), failed]);
      if (next.done) return;
      yield parseJson(watchEventSchema, next.value, doing);
    }
  } catch (error) {
    throw toKubeError(error, doing);
  } finally {
    lines.close();
    response.destroy();
  }
}
