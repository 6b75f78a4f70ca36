import { setTimeout as delay } from 'node:timers/promises';
import { GodwitError } from '../lib/errors.ts';
import { sendSignal } from '../lib/process-id.ts';
import { groupsOf } from './cgroup.ts';
import { groupTree, processesIn, removeGroup, thaw } from './group-files.ts';
import type { Hierarchy } from './hierarchies.ts';
import { innerNumbers } from './inner-pid.ts';

/** How long the dead may wait for a parent to collect them; some machines' first process takes seconds, or never does. */
const collectMs = { byOurs: 200, byAny: 3000 };

/** Kills what is in the groups of a node, or of the whole lab, and removes them. @throws E_LAB when something stays */
export async function reap(
  hierarchies: readonly Hierarchy[],
  lab: string,
  node = '',
  deadlineMs = 10_000,
): Promise<void> {
  const roots = groupsOf(hierarchies, lab, node);
  const end = performance.now() + deadlineMs;
  const seenInside = new Set<number>();
  for (let pauseMs = 1; ; pauseMs = Math.min(50, pauseMs * 2)) {
    const groups = (await Promise.all(roots.map(groupTree))).flat();
    const pids = [...new Set((await Promise.all(groups.map(processesIn))).flat())];
    if (pids.length === 0 && (await removeAll(groups))) break;
    if (performance.now() > end)
      throw new GodwitError('E_LAB', `${roots[0]} can not be removed; processes in it: ${pids.join(' ') || 'none'}`);
    await killInnerFirst(pids, groups, seenInside);
    await delay(pauseMs);
  }
  await collected(seenInside, collectMs.byAny);
}

/** What runs inside goes before its parents outside (`unshare`, `nsenter`), who collect it and then end by themselves. */
async function killInnerFirst(pids: number[], groups: readonly string[], seenInside: Set<number>): Promise<void> {
  const numbers = await Promise.all(pids.map(innerNumbers));
  const inside = pids.filter((_, index) => (numbers[index]?.length ?? 0) > 1);
  for (const pid of inside) seenInside.add(pid);
  if (inside.length === 0) await collected(seenInside, collectMs.byOurs);
  for (const pid of inside.length > 0 ? inside : pids) sendSignal(pid, 'SIGKILL');
  // only now: thawed before the signal, they would run on for a moment
  if (pids.length > 0) await Promise.all(groups.map(thaw));
}

async function collected(pids: Iterable<number>, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  for (const pid of pids) while (performance.now() < end && sendSignal(pid, 0)) await delay(1);
}

async function removeAll(deepestFirst: readonly string[]): Promise<boolean> {
  let gone = true;
  for (const group of deepestFirst) gone = (await removeGroup(group)) && gone;
  return gone;
}
