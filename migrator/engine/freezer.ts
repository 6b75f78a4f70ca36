import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import { isMissing } from '../../lib/files.ts';

/** A cgroup with a freezer: v1 (`freezer.state`) or v2 (`cgroup.freeze`). */
export interface Freezer {
  path: string;
  version: 1 | 2;
}

export function freezerOf(cgroupPaths: Record<string, string>): Freezer {
  const v1 = cgroupPaths.freezer;
  if (v1) return { path: v1, version: 1 };
  const v2 = cgroupPaths[''] ?? Object.values(cgroupPaths)[0];
  if (!v2) throw new GodwitError('E_PREFLIGHT', 'the container has no cgroup that could be frozen');
  return { path: v2, version: 2 };
}

/** Stops every task of the cgroup; resolves when the kernel says that all of them stand. @throws E_TIMEOUT after 5 s */
export async function freeze(freezer: Freezer, clock: Clock): Promise<void> {
  await setFrozen(freezer, true, clock);
}

export async function thaw(freezer: Freezer, clock: Clock): Promise<void> {
  await setFrozen(freezer, false, clock);
}

export async function isFrozen(freezer: Freezer): Promise<boolean> {
  if (freezer.version === 1) return (await readFile(join(freezer.path, 'freezer.state'), 'utf8')).trim() === 'FROZEN';
  return (await readFile(join(freezer.path, 'cgroup.events'), 'utf8')).includes('frozen 1');
}

async function setFrozen(freezer: Freezer, frozen: boolean, clock: Clock): Promise<void> {
  const [file, value] =
    freezer.version === 1 ? ['freezer.state', frozen ? 'FROZEN' : 'THAWED'] : ['cgroup.freeze', frozen ? '1' : '0'];
  const until = clock.monotonic() + 5000;
  while (true) {
    // v1 can stay FREEZING for long unless the state is written again
    await writeFile(join(freezer.path, file), value);
    if ((await isFrozen(freezer)) === frozen) return;
    if (clock.monotonic() > until)
      throw new GodwitError('E_TIMEOUT', `${freezer.path} did not become ${frozen ? 'frozen' : 'thawed'} in 5 s`);
    await clock.sleep(1);
  }
}

/**
 * Ends everything in a frozen cgroup without letting it run one more instruction of its own: SIGKILL first, then thaw.
 * A frozen process ignores SIGKILL on cgroup v1, a thawed one dies before it returns to user mode.
 */
export async function killFrozen(freezer: Freezer, clock: Clock): Promise<void> {
  if (!existsSync(freezer.path)) return;
  const until = clock.monotonic() + 10_000;
  while (true) {
    const pids = await pidsBelow(freezer.path);
    if (pids.length === 0) return;
    for (const pid of pids) killQuietly(pid);
    await thaw(freezer, clock);
    if (clock.monotonic() > until) throw new GodwitError('E_TIMEOUT', `${freezer.path}: processes survive SIGKILL`);
    await clock.sleep(2);
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in between
  }
}

/** Process ids in the cgroup and those nested in it. */
export async function pidsBelow(path: string): Promise<number[]> {
  try {
    const own = (await readFile(join(path, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    const children = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const nested = await Promise.all(children.map((entry) => pidsBelow(join(path, entry.name))));
    return [...own, ...nested.flat()];
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENODEV') return [];
    throw error;
  }
}
