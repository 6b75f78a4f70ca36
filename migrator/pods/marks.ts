import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing, readIfPresent, writeDurably } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import type { Journal, PodPlace } from '../agent/journal.ts';
import type { Paths } from '../paths.ts';

// Files by pod uid that godwit-runtime looks for, so that what they say holds without an agent too. See migrator/runtime.

/** Its workload moves away, or has moved: its container is not created here again. */
const guardsFolder = (paths: Paths): string => join(paths.state, 'guards');
/** Its workload has arrived, and the migration is over: its container is created like any other. */
const arrivedFolder = (paths: Paths): string => join(paths.state, 'arrived');

/** `folder`: the kubelet's, of the pod: without it the mark goes. */
const markSchema = z.object({ migration: z.string(), container: z.string().optional(), folder: z.string() });

export async function setGuard(paths: Paths, pod: PodPlace, migration: string, container: string): Promise<void> {
  await writeMark(join(guardsFolder(paths), pod.uid), { migration, container, folder: pod.folder });
}

export async function dropGuard(paths: Paths, { uid }: PodPlace): Promise<void> {
  await rm(join(guardsFolder(paths), uid), { force: true });
}

export async function markArrived(paths: Paths, pod: PodPlace, migration: string): Promise<void> {
  await writeMark(join(arrivedFolder(paths), pod.uid), { migration, folder: pod.folder });
}

const writeMark = (path: string, mark: z.infer<typeof markSchema>): Promise<void> =>
  writeDurably(path, JSON.stringify(mark));

/** Removes the marks of pods that are gone, and guards of moves that were given up. One that is not understood stays. @throws E_INPUT for that */
export async function tidyMarks(paths: Paths, journals: readonly Journal[]): Promise<void> {
  const givenUp = (migration: string): boolean =>
    journals.some(
      (one) => one.role === 'source' && one.migration === migration && (one.record === 'aborted' || one.attested),
    );
  const faults: unknown[] = [];
  for (const folder of [guardsFolder(paths), arrivedFolder(paths)])
    for (const uid of await list(folder))
      await tidy(join(folder, uid), givenUp).catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw faults[0];
}

async function tidy(path: string, givenUp: (migration: string) => boolean): Promise<void> {
  const { folder, migration } = parseJson(markSchema, (await readIfPresent(path)) ?? '', path);
  if (!existsSync(folder) || givenUp(migration)) await rm(path, { force: true });
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.endsWith('.tmp'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
