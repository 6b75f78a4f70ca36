import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { groupTree, processesIn } from '../../lab/group-files.ts';
import { ownHierarchies } from '../../lab/hierarchies.ts';
import { isMissing } from '../../lib/files.ts';

export interface TestGroup {
  /** As `cgroup_paths` of runc's state.json. */
  paths: Record<string, string>;
  /** Runs a shell script in the group; it ends with the groups, or by itself after ten minutes. */
  run(script: string): void;
  /** CPU time that the kernel has counted. */
  cpuMs(): Promise<number>;
  /** On return nothing runs in it any more. */
  killAll(): Promise<void>;
  /** Kills what runs in it and removes it. */
  remove(): Promise<void>;
}

export interface TestGroups {
  create(name: string, limits?: { cores?: number; memoryBytes?: number }): Promise<TestGroup>;
  removeAll(): Promise<void>;
}

/** Real cgroups below ours, in every hierarchy that a container has: v1 with PSI from a hybrid's v2, or v2 alone. */
export async function createTestGroups(): Promise<TestGroups> {
  const base = `godwit-test-${process.pid}-${randomBytes(4).toString('hex')}`;
  const roots = await findRoots();
  for (const root of Object.values(roots)) await removeAbandoned(root);
  const folders = Object.fromEntries(Object.entries(roots).map(([controller, path]) => [controller, join(path, base)]));
  for (const [controller, folder] of Object.entries(folders)) {
    await mkdir(folder, { recursive: true });
    if (controller === '' && !('memory' in roots)) {
      await writeFile(join(folder, '../cgroup.subtree_control'), '+cpu +memory +pids');
      await writeFile(join(folder, 'cgroup.subtree_control'), '+cpu +memory +pids');
    }
  }
  return {
    create: async (name, limits = {}) => {
      const paths = Object.fromEntries(Object.entries(folders).map(([key, path]) => [key, join(path, name)]));
      for (const path of Object.values(paths)) await mkdir(path, { recursive: true });
      await setLimits(paths, limits);
      const own = Object.values(paths);
      return {
        paths,
        run: (script) => runIn(paths, script),
        cpuMs: () => cpuMsOf(paths),
        killAll: async () => {
          for (const folder of own) await until(async () => (await killIn(folder)) === 0, folder);
        },
        remove: () => removeTrees(own),
      };
    },
    removeAll: () => removeTrees(Object.values(folders)),
  };
}

/** Groups of a test run that was killed. */
async function removeAbandoned(root: string): Promise<void> {
  const names = (await readdir(root)).filter((name) => {
    const pid = /^godwit-test-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  await removeTrees(names.map((name) => join(root, name)));
}

async function findRoots(): Promise<Record<string, string>> {
  const roots: Record<string, string> = {};
  for (const { controllers, path } of await ownHierarchies())
    for (const name of controllers.split(','))
      if (['cpu', 'cpuacct', 'memory', 'pids', ''].includes(name)) roots[name] = path;
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  const unified = /^(?:\S+ ){3}\/ (\S+) .* - cgroup2 /m.exec(mountinfo)?.[1];
  return unified === undefined ? roots : { ...roots, '': unified };
}

async function setLimits(paths: TestGroup['paths'], limits: { cores?: number; memoryBytes?: number }): Promise<void> {
  const { cpu, memory, '': unified = '' } = paths;
  if (limits.cores !== undefined) {
    const quota = String(Math.round(limits.cores * 100_000));
    if (cpu) await writeFile(join(cpu, 'cpu.cfs_quota_us'), quota);
    else await writeFile(join(unified, 'cpu.max'), `${quota} 100000`);
  }
  if (limits.memoryBytes !== undefined) {
    const file = memory ? join(memory, 'memory.limit_in_bytes') : join(unified, 'memory.max');
    await writeFile(file, String(limits.memoryBytes));
  }
}

async function cpuMsOf({ cpuacct, '': unified = '' }: TestGroup['paths']): Promise<number> {
  if (cpuacct) return Number(await readFile(join(cpuacct, 'cpuacct.usage'), 'utf8')) / 1e6;
  const stat = await readFile(join(unified, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1e3;
}

function runIn(paths: TestGroup['paths'], script: string): void {
  const inner = 'for group; do echo $$ >"$group/cgroup.procs"; done; exec timeout -s KILL 600 sh -c "$SCRIPT"';
  spawn('sh', ['-ec', inner, 'sh', ...new Set(Object.values(paths))], {
    env: { PATH: process.env.PATH, SCRIPT: script },
    stdio: 'ignore',
    detached: true,
  }).unref();
}

async function removeTrees(folders: readonly string[]): Promise<void> {
  for (const folder of folders)
    for (const group of await groupTree(folder))
      await until(async () => {
        await killIn(group);
        return removed(group);
      }, group);
}

async function until(check: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 5000;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`${what} can not be emptied`);
    await delay(5);
  }
}

/** How many processes there were. */
async function killIn(group: string): Promise<number> {
  const pids = await processesIn(group);
  for (const pid of pids) kill(pid);
  return pids.length;
}

async function removed(group: string): Promise<boolean> {
  try {
    await rmdir(group);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}

function kill(pid: number): void {
  // A process of a foreign PID namespace is listed as 0, which for kill(2) is ourselves.
  if (pid === 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
