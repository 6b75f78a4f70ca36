import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../lib/errors.ts';

/** One cgroup hierarchy and the group in it below which labs put theirs. */
export const hierarchySchema = z.strictObject({
  /** v1: as the kernel lists them, such as `cpu,cpuacct` or `name=systemd`; v2: empty. */
  controllers: z.string(),
  path: z.string(),
});
export type Hierarchy = z.infer<typeof hierarchySchema>;

/**
 * Reads cgroups(7) `/proc/self/cgroup` and proc_pid_mountinfo(5). v1: our own group of every hierarchy. v2 alone: the
 * root of the mount, because a group that holds processes, as ours does, can not hand out controllers.
 */
export function findHierarchies(cgroup: string, mountinfo: string): Hierarchy[] {
  const mounts = mountinfo.split('\n').flatMap(cgroupMount);
  const lines = cgroup.split('\n').flatMap((line) => {
    const [, controllers, group] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    return controllers === undefined || group === undefined ? [] : [{ controllers, group }];
  });
  const v1 = lines.filter(({ controllers }) => controllers !== '').flatMap((line) => ownGroup(line, mounts));
  if (v1.some(({ controllers }) => !controllers.startsWith('name='))) return v1;
  return mounts.filter(({ type }) => type === 'cgroup2').map(({ path }) => ({ controllers: '', path }));
}

interface Mount {
  type: string;
  /** Group of the hierarchy that is mounted at `path`. */
  root: string;
  path: string;
  options: string[];
}

function cgroupMount(line: string): Mount[] {
  const [, , , root = '', path = '', ...rest] = line.split(' ');
  const [type = '', , options = ''] = rest.slice(rest.indexOf('-') + 1);
  return type === 'cgroup' || type === 'cgroup2' ? [{ type, root, path, options: options.split(',') }] : [];
}

function ownGroup(
  { controllers, group }: { controllers: string; group: string },
  mounts: readonly Mount[],
): Hierarchy[] {
  const mount = mounts.find(
    ({ type, options }) => type === 'cgroup' && controllers.split(',').every((name) => options.includes(name)),
  );
  if (!mount) return [];
  const below = relative(mount.root, group);
  if (below.startsWith('..')) return [];
  return [{ controllers, path: join(mount.path, below) }];
}

export async function ownHierarchies(): Promise<Hierarchy[]> {
  const found = findHierarchies(
    await readFile('/proc/self/cgroup', 'utf8'),
    await readFile('/proc/self/mountinfo', 'utf8'),
  );
  if (found.length > 0) return found;
  throw new GodwitError('E_LAB', 'no cgroup hierarchy is mounted', { next: 'Mount one below /sys/fs/cgroup.' });
}
