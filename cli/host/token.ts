import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { writeDurably } from '../../lib/files.ts';
import { loadNodeConfig } from '../../lib/node-config.ts';
import type { Host } from './install.ts';

const own = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Kubelets renew a token when a fifth of its life is left: twelve minutes of the usual hour. */
const everyMs = 60_000;

/** Keeps the pod's own token where the node's agent looks for one, if it does, until `signal` is aborted. */
export async function handToken(
  { root, settings, log }: Pick<Host, 'root' | 'settings' | 'log'>,
  { clock, signal, token = own }: { clock: Clock; signal: AbortSignal; token?: string },
): Promise<void> {
  const { imagePath } = await loadNodeConfig(join(root + settings, 'node.yaml'));
  if (!imagePath) return;
  const target = root + imagePath.token;
  while (!signal.aborted) {
    try {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await writeDurably(target, await readFile(token, 'utf8'));
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the agent gets no token');
    }
    await clock.sleep(everyMs, { signal }).catch(() => undefined);
  }
}
