import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../lib/errors.ts';
import { isMissing, readIfPresent } from '../lib/files.ts';
import { parseJson } from '../lib/parse.ts';
import { processIdSchema } from '../lib/process-id.ts';
import { hierarchySchema } from './hierarchies.ts';
import type { LabSettings } from './settings.ts';
import { labSpecSchema } from './spec.ts';

/** Bits per second, bytes, milliseconds: the rate, what may pass at once, and how long a packet may wait before it is dropped. */
export const shapeSchema = z.strictObject({
  rateBitsPerSecond: z.number().int().min(8000),
  burstBytes: z
    .number()
    .int()
    .min(2000)
    .default(64 * 1024),
  queueMs: z.number().min(1).default(100),
});
export type Shape = z.infer<typeof shapeSchema>;

const linkStateSchema = z.strictObject({ cut: z.boolean().default(false), shape: shapeSchema.optional() });
export type LinkState = z.infer<typeof linkStateSchema>;

/** What has to outlive the process that raised the lab; written before anything is created, so that `down` finds it all. */
const labStateSchema = z.strictObject({
  spec: labSpecSchema,
  hierarchies: z.array(hierarchySchema),
  root: z.string(),
  /** Third byte of the lab's 10.88.x.0/24. */
  subnet: z.number().int().optional(),
  /** Last byte of each node's address. */
  addresses: z.record(z.string(), z.number().int()),
  /** Number of each site's bridge. */
  sites: z.record(z.string(), z.number().int()),
  /** By `node:<name>` or `site:<name>`; what is absent is whole and unshaped. */
  links: z.record(z.string(), linkStateSchema),
});
export type LabState = z.infer<typeof labStateSchema>;

const nodeStateSchema = z.strictObject({ init: processIdSchema, binds: z.string() });
export type NodeState = z.infer<typeof nodeStateSchema>;

export const labDir = (settings: LabSettings, lab: string): string => join(settings.stateDir, lab);
export const nodeDir = (settings: LabSettings, lab: string, node: string): string =>
  join(settings.stateDir, lab, 'nodes', node);
export const diskDir = (settings: LabSettings, lab: string, node = ''): string => join(settings.dataDir, lab, node);

export async function readLab(settings: LabSettings, lab: string): Promise<LabState | undefined> {
  const path = join(labDir(settings, lab), 'lab.json');
  const text = await readIfPresent(path);
  return text === undefined ? undefined : parseJson(labStateSchema as z.ZodType<LabState>, text, path);
}

/** @throws E_LAB when the lab is not up. */
export async function requireLab(settings: LabSettings, lab: string): Promise<LabState> {
  const state = await readLab(settings, lab);
  if (state) return state;
  throw new GodwitError('E_LAB', `there is no lab ${lab}`, { next: 'godwit lab status lists those that are up.' });
}

export function writeLab(settings: LabSettings, state: LabState): Promise<void> {
  return writeJson(join(labDir(settings, state.spec.name), 'lab.json'), state);
}

export async function readNode(settings: LabSettings, lab: string, node: string): Promise<NodeState | undefined> {
  const path = join(nodeDir(settings, lab, node), 'node.json');
  const text = await readIfPresent(path);
  return text === undefined ? undefined : parseJson(nodeStateSchema, text, path);
}

export function writeNode(settings: LabSettings, lab: string, node: string, state: NodeState): Promise<void> {
  return writeJson(join(nodeDir(settings, lab, node), 'node.json'), state);
}

export async function removeNode(settings: LabSettings, lab: string, node: string): Promise<void> {
  await rm(nodeDir(settings, lab, node), { recursive: true, force: true });
}

/** Names of the labs of which anything is known. */
export async function labNames(settings: LabSettings): Promise<string[]> {
  try {
    return (await readdir(settings.stateDir)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A reader sees the old or the new content; nothing here has to survive a power cut. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`);
  await rename(temporary, path);
}
