import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../../lib/files.ts';

/**
 * Moves this process out of its pod's groups into one of the node's own, `godwit`, in every hierarchy: what it starts is not ended with
 * the pod. `root`: the node's file system, whose process ids are ours.
 */
export async function leavePodGroups(root: string): Promise<void> {
  const top = join(root, 'sys/fs/cgroup');
  const unified = (await readIfPresent(join(top, 'cgroup.controllers'))) !== undefined;
  const hierarchies = unified ? [top] : (await readdir(top)).map((name) => join(top, name));
  for (const hierarchy of hierarchies) {
    if ((await readIfPresent(join(hierarchy, 'cgroup.procs'))) === undefined) continue;
    const group = join(hierarchy, 'godwit');
    await mkdir(group, { recursive: true });
    // of version 1, which has no processors until it is told
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = unified ? undefined : await readIfPresent(join(hierarchy, file));
      if (inherited?.trim()) await writeFile(join(group, file), inherited);
    }
    await writeFile(join(group, 'cgroup.procs'), String(process.pid));
  }
}
