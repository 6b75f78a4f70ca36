import { readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, readIfPresent } from '../lib/files.ts';

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
