import { readFile, rm, rmdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { GodwitError } from '../lib/errors.ts';
import { isMissing } from '../lib/files.ts';
import { groupsOf } from './cgroup.ts';
import { groupTree, processesIn, removeGroup, thaw } from './group-files.ts';
import type { Hierarchy } from './hierarchies.ts';
import { releaseSysctls } from './host-sysctls.ts';
import { sendSignal } from './process-id.ts';
import type { LabSettings } from './settings.ts';
import { diskDir, labDir } from './state.ts';
import { removeSwitch, unplug } from './switch.ts';

/** Kills what is in the groups of a node, or of the whole lab, and removes them. @throws E_LAB when something stays */
export async function reap(
  hierarchies: readonly Hierarchy[],
  lab: string,
  node = '',
  deadlineMs = 10_000,
): Promise<void> {
  const roots = groupsOf(hierarchies, lab, node);
  const end = performance.now() + deadlineMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    const groups = (await Promise.all(roots.map(groupTree))).flat();
    const pids = await killAll(groups);
    if (pids.size === 0 && (await removeAll(groups))) return;
    if (performance.now() > end)
      throw new GodwitError(
        'E_LAB',
        `${roots[0]} can not be removed; processes in it: ${[...pids].join(' ') || 'none'}`,
      );
    await delay(pauseMs);
  }
}

async function killAll(groups: readonly string[]): Promise<Set<number>> {
  const pids = new Set((await Promise.all(groups.map(processesIn))).flat());
  for (const pid of pids) sendSignal(pid, 'SIGKILL');
  // only now: thawed first, they would run on for a moment
  if (pids.size > 0) await Promise.all(groups.map(thaw));
  return pids;
}

async function removeAll(deepestFirst: readonly string[]): Promise<boolean> {
  let gone = true;
  for (const group of deepestFirst) gone = (await removeGroup(group)) && gone;
  return gone;
}

/** Removes all traces of a lab. */
export async function tearDown(settings: LabSettings, lab: string, hierarchies: readonly Hierarchy[]): Promise<void> {
  await reap(hierarchies, lab);
  await unplug(settings, lab);
  await removeSwitch(settings, lab);
  await removeDisk(diskDir(settings, lab));
  await releaseSysctls(settings, lab);
  await rm(labDir(settings, lab), { recursive: true, force: true });
  for (const folder of [settings.dataDir, settings.stateDir]) await removeIfEmpty(folder);
}

/** Refuses to delete through a mount: nodes mount in namespaces of their own, so one here is somebody else's. */
export async function removeDisk(path: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const inside = mounts.find((mount) => mount === path || mount.startsWith(`${path}/`));
  if (inside) throw new GodwitError('E_LAB', `${inside} is mounted`, { next: `Unmount it, then take the lab down.` });
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isMissing(error) && (error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
