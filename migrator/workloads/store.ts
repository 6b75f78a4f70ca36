import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import { workloadSpecSchema } from '../../lib/contract/agent.ts';
import { isMissing, readIfPresent, writeDurably } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import { type Paths, workloadFolders, workloadsFolder } from '../paths.ts';

/** A workload that Godwit keeps on this node: what `godwit run` was told, or what came in by a migration. */
export const managedSchema = z.object({
  spec: workloadSpecSchema,
  /** `inbound`: the copy belongs to a migration that is not committed; nobody else may start it. `stopped`: by a person. */
  state: z.enum(['inbound', 'running', 'stopped']),
  /** Folder with the image's root file system. */
  image: z.string(),
});
export type Managed = z.infer<typeof managedSchema>;

export async function readManaged(paths: Paths, name: string): Promise<Managed | undefined> {
  const text = await readIfPresent(workloadFolders(paths, name).spec);
  return text === undefined ? undefined : parseJson(managedSchema, text, `workload ${name}`);
}

export async function writeManaged(paths: Paths, managed: Managed): Promise<void> {
  await writeDurably(workloadFolders(paths, managed.spec.name).spec, JSON.stringify(managed));
}

export async function listManaged(paths: Paths): Promise<Managed[]> {
  let names: string[];
  try {
    names = await readdir(workloadsFolder(paths));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const found = await Promise.all(names.sort().map((name) => readManaged(paths, name)));
  return found.filter((managed) => managed !== undefined);
}
