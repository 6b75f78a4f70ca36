import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../lib/errors.ts';
import { isMissing, readIfPresent } from '../lib/files.ts';

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

export const groupName = (lab: string): string => `godwit-lab-${lab}`;

/** Groups of one node (or of the whole lab), one a hierarchy. */
export function groupsOf(hierarchies: readonly Hierarchy[], lab: string, node = ''): string[] {
  return hierarchies.map(({ path }) => join(path, groupName(lab), node));
}

/** Groups that a process of the node joins; on v2 a leaf, since the node's own group hands out controllers. */
export function joinGroups(hierarchies: readonly Hierarchy[], lab: string, node: string): string[] {
  return hierarchies.map(({ path, controllers }) => join(path, groupName(lab), node, controllers === '' ? v2Leaf : ''));
}

const v2Leaf = 'node.init';
const v2Controllers = '+cpu +memory +pids';

export async function createLabGroups(hierarchies: readonly Hierarchy[], lab: string): Promise<void> {
  for (const { path, controllers } of hierarchies) {
    const group = join(path, groupName(lab));
    if (controllers === '') await writeFile(join(path, 'cgroup.subtree_control'), v2Controllers);
    await mkdir(group, { recursive: true });
    if (controllers === '') await writeFile(join(group, 'cgroup.subtree_control'), v2Controllers);
    if (controllers.split(',').includes('cpuset')) await inheritCpuset(path, group);
  }
}

/** A new v1 cpuset is empty and takes no process; with clone_children the groups below it are filled by the kernel. */
async function inheritCpuset(parent: string, group: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    await writeFile(join(group, file), await readFile(join(parent, file), 'utf8'));
  await writeFile(join(group, 'cgroup.clone_children'), '1');
}

export interface Limits {
  cores: number;
  memoryBytes: number;
}

const periodUs = 100_000;

export async function createNodeGroups(
  hierarchies: readonly Hierarchy[],
  lab: string,
  node: string,
  { cores, memoryBytes }: Limits,
): Promise<void> {
  const quotaUs = Math.max(1000, Math.round(cores * periodUs));
  for (const { path, controllers } of hierarchies) {
    const group = join(path, groupName(lab), node);
    const has = (name: string): boolean => controllers === '' || controllers.split(',').includes(name);
    await mkdir(group, { recursive: true });
    if (controllers === '') {
      await writeFile(join(group, 'cpu.max'), `${quotaUs} ${periodUs}`);
      await writeFile(join(group, 'memory.max'), String(memoryBytes));
      continue;
    }
    if (has('cpu')) {
      await writeFile(join(group, 'cpu.cfs_period_us'), String(periodUs));
      await writeFile(join(group, 'cpu.cfs_quota_us'), String(quotaUs));
    }
    if (has('memory')) await writeFile(join(group, 'memory.limit_in_bytes'), String(memoryBytes));
  }
}

/** v2: once the node's first processes have opened its cgroup namespace, they make room for groups with controllers. */
export async function settleNodeGroups(hierarchies: readonly Hierarchy[], lab: string, node: string): Promise<void> {
  for (const { path, controllers } of hierarchies) {
    if (controllers !== '') continue;
    const group = join(path, groupName(lab), node);
    await mkdir(join(group, v2Leaf), { recursive: true });
    for (const pid of await processesIn(group)) await writeFile(join(group, v2Leaf, 'cgroup.procs'), String(pid));
    await writeFile(join(group, 'cgroup.subtree_control'), v2Controllers);
  }
}

/** Numbers of the processes in `group`, not below it; none when there is no such group. */
export async function processesIn(group: string): Promise<number[]> {
  const text = await readIfGroup(join(group, 'cgroup.procs'));
  return (text ?? '').split('\n').filter(Boolean).map(Number);
}

/** The group and all below it, deepest first. */
export async function groupTree(group: string): Promise<string[]> {
  try {
    const entries = await readdir(group, { withFileTypes: true });
    const below = await Promise.all(
      entries.filter((entry) => entry.isDirectory()).map((entry) => groupTree(join(group, entry.name))),
    );
    return [...below.flat(), group];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A frozen v1 process takes no signal, not even SIGKILL. */
export async function thaw(group: string): Promise<void> {
  for (const [file, value] of [
    ['freezer.state', 'THAWED'],
    ['cgroup.freeze', '0'],
  ] as const)
    if ((await readIfGroup(join(group, file))) !== undefined) await writeFile(join(group, file), value);
}

/** True when the group is gone. */
export async function removeGroup(group: string): Promise<boolean> {
  try {
    await rmdir(group);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (['EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function readIfGroup(path: string): Promise<string | undefined> {
  try {
    return await readIfPresent(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENODEV') return undefined; // removed while open
    throw error;
  }
}
