import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, readIfPresent, writeDurably } from '../../lib/files.ts';
import type { Journal, PodPlace } from '../agent/journal.ts';
import type { Paths } from '../paths.ts';

// Files by pod uid that godwit-runtime looks for, so that what they say holds without an agent too. See migrator/runtime.

const kubeletPods = '/var/lib/kubelet/pods';
export const podFolder = (uid: string): string => join(kubeletPods, uid);

/** Its workload moves away, or has moved: its container is not created here again. */
const guardsFolder = (paths: Paths): string => join(paths.state, 'guards');
/** Its workload has arrived, and the migration is over: its container is created like any other. */
const arrivedFolder = (paths: Paths): string => join(paths.state, 'arrived');

export async function setGuard(paths: Paths, { uid }: PodPlace, migration: string, container: string): Promise<void> {
  await writeDurably(join(guardsFolder(paths), uid), JSON.stringify({ migration, container }));
}

export async function dropGuard(paths: Paths, { uid }: PodPlace): Promise<void> {
  await rm(join(guardsFolder(paths), uid), { force: true });
}

export async function markArrived(paths: Paths, { uid }: PodPlace, migration: string): Promise<void> {
  await writeDurably(join(arrivedFolder(paths), uid), JSON.stringify({ migration }));
}

/** Removes the marks of pods that are gone, and guards of moves that were given up. */
export async function tidyMarks(paths: Paths, journals: readonly Journal[]): Promise<void> {
  for (const folder of [guardsFolder(paths), arrivedFolder(paths)])
    for (const uid of await list(folder)) if (!existsSync(podFolder(uid))) await rm(join(folder, uid), { force: true });
  for (const journal of journals) {
    const givenUp = journal.role === 'source' && (journal.record === 'aborted' || journal.attested);
    if (givenUp && journal.pod && (await guardIsFor(paths, journal.pod, journal.migration)))
      await dropGuard(paths, journal.pod);
  }
}

async function guardIsFor(paths: Paths, { uid }: PodPlace, migration: string): Promise<boolean> {
  return (await readIfPresent(join(guardsFolder(paths), uid)))?.includes(`"${migration}"`) ?? false;
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.endsWith('.tmp'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
