import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processesIn } from './group-files.ts';
import type { Hierarchy } from './hierarchies.ts';

const groupName = (lab: string): string => `godwit-lab-${lab}`;

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

/** A lab's share of a busy machine, against 1 for everything else: its nodes shall get the cores that they declare. */
const cpuWeight = 16;

export async function createLabGroups(hierarchies: readonly Hierarchy[], lab: string): Promise<void> {
  for (const { path, controllers } of hierarchies) {
    const group = join(path, groupName(lab));
    if (controllers === '') await writeFile(join(path, 'cgroup.subtree_control'), v2Controllers);
    await mkdir(group, { recursive: true });
    if (controllers === '') await writeFile(join(group, 'cpu.weight'), String(100 * cpuWeight));
    if (controllers === '') await writeFile(join(group, 'cgroup.subtree_control'), v2Controllers);
    if (controllers.split(',').includes('cpuset')) await inheritCpuset(path, group);
    if (controllers.split(',').includes('cpu')) await writeFile(join(group, 'cpu.shares'), String(1024 * cpuWeight));
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
