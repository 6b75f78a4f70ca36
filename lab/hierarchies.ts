import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [, , , root = '', path = '', ...rest] = line.split(' ');
    const [type = '', , options = ''] = rest.slice(rest.indexOf('-') + 1);
    return type.startsWith('cgroup') ? [{ root, path, type, options: options.split(',') }] : [];
  });
  const own = cgroup.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const mount = mounts.find(({ type, options }) =>
      controllers === ''
        ? type === 'cgroup2'
        : type === 'cgroup' && controllers.split(',').every((name) => options.includes(name)),
    );
    if (!mount || !path) return [];
    const below = mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
    return [{ controllers, path: controllers === '' ? mount.path : join(mount.path, below) }];
  });
  const v1 = own.filter(({ controllers }) => controllers !== '');
  return v1.some(({ controllers }) => !controllers.startsWith('name=')) ? v1 : own.filter((h) => h.controllers === '');
}

export async function ownHierarchies(): Promise<Hierarchy[]> {
  const found = findHierarchies(
    await readFile('/proc/self/cgroup', 'utf8'),
    await readFile('/proc/self/mountinfo', 'utf8'),
  );
  if (found.length > 0) return found;
  throw new GodwitError('E_LAB', 'no cgroup hierarchy is mounted', { next: 'Mount one below /sys/fs/cgroup.' });
}
