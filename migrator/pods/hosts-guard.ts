import { mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';
import { exists, isMissing, syncFolder } from '../../lib/files.ts';
import type { PodPlace } from '../agent/journal.ts';
import { readBundle } from './place.ts';

// The kubelet writes a pod's hosts file anew before it creates any container of it, and creates none where it can not. A folder in the
// place of that file keeps it from starting the container again: on the disk, over a reboot, without an agent or a runtime of ours.

const hosts = ({ folder }: Pick<PodPlace, 'folder'>): string => join(folder, 'etc-hosts');
const kept = (pod: Pick<PodPlace, 'folder'>): string => `${hosts(pod)}.godwit`;

/** @throws E_PREFLIGHT where the kubelet does not write the hosts file of this container */
export async function refuseOwnHosts({ bundle, folder }: Pick<PodPlace, 'bundle' | 'folder'>): Promise<void> {
  const { mounts } = await readBundle(bundle);
  if (mounts.some(({ destination, source }) => destination === '/etc/hosts' && source === hosts({ folder }))) return;
  throw new GodwitError('E_PREFLIGHT', 'its /etc/hosts is its own, so that nothing could keep it from starting twice', {
    next: 'leave /etc/hosts to the kubelet, or use RuntimeClass godwit',
  });
}

/** From here on the kubelet creates no container of the pod; on return that is on the disk. Repeats do nothing. */
export async function guardHosts(pod: Pick<PodPlace, 'folder'>): Promise<void> {
  if (!(await exists(kept(pod)))) await rename(hosts(pod), kept(pod));
  while (!(await isFolder(hosts(pod)))) {
    // the kubelet may have written it in between
    await rm(hosts(pod), { force: true });
    await mkdir(hosts(pod)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  await syncFolder(pod.folder);
}

/** Takes the guard away; repeats do nothing, nor does it where the pod is gone. */
export async function unguardHosts(pod: Pick<PodPlace, 'folder'>): Promise<void> {
  if (!(await exists(kept(pod)))) return;
  await rmdir(hosts(pod)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  await rename(kept(pod), hosts(pod));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
