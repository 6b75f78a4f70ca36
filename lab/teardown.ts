import { readFile, rm, rmdir } from 'node:fs/promises';
import { GodwitError } from '../lib/errors.ts';
import { isMissing } from '../lib/files.ts';
import type { Hierarchy } from './hierarchies.ts';
import { releaseSysctls } from './host-sysctls.ts';
import { reap } from './reap.ts';
import type { LabSettings } from './settings.ts';
import { diskDir, labDir } from './state.ts';
import { removeSwitch, unplug } from './switch.ts';

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
