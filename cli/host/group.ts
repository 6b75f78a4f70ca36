import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { readIfPresent } from '../../lib/files.ts';

const groups = 'sys/fs/cgroup';

/**
 * Makes the group `godwit` of the node itself, in every hierarchy, and returns the files, as paths on the node, by which a process joins
 * it: what runs there is not ended with the pod that has started it. `root`: the node's file system.
 */
export async function makeNodeGroup(root: string): Promise<string[]> {
  const top = join(root, groups);
  const unified = (await readIfPresent(join(top, 'cgroup.controllers'))) !== undefined;
  const hierarchies = unified ? [top] : (await readdir(top)).map((name) => join(top, name));
  const files: string[] = [];
  for (const hierarchy of hierarchies) {
    if ((await readIfPresent(join(hierarchy, 'cgroup.procs'))) === undefined) continue;
    const group = join(hierarchy, 'godwit');
    await mkdir(group, { recursive: true });
    // of version 1, which has no processors until it is told
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = unified ? undefined : await readIfPresent(join(hierarchy, file));
      if (inherited?.trim()) await writeFile(join(group, file), inherited);
    }
    files.push(join('/', relative(root, group), 'cgroup.procs'));
  }
  return files;
}

/** Takes the group away, where nothing that a migration has detached is left in it. */
export async function removeNodeGroup(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) await rmdir(join(root, dirname(file))).catch(() => undefined);
}
