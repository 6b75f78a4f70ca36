import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { isMissing, readIfPresent, writeDurably } from '../../lib/files.ts';
import { loadHubConfig, loadNodeConfig, type NodeConfig, readYaml } from '../../lib/node-config.ts';
import { parseAs } from '../../lib/parse.ts';

/** One node as the NATS servers have to know it. */
export const memberSchema = z.strictObject({
  name: nameSchema,
  site: nameSchema,
  /** The server that it is a client of: the site's leaf, which it may run itself, or the hub. */
  attached: z.enum(['own-leaf', 'site-leaf', 'hub']),
});
export type Member = z.infer<typeof memberSchema>;

/** `nodes.yaml`: all nodes for the hub, those of its site for a leaf. */
const rosterSchema = z.strictObject({ nodes: z.array(memberSchema) });
export const rosterFile = 'nodes.yaml';

/** The nodes in the folder of a hub's or leaf's configuration. @throws E_CONFIG */
export async function readRoster(folder: string): Promise<Member[]> {
  const path = resolve(folder, rosterFile);
  return parseAs(rosterSchema, await readYaml(path), path, 'E_CONFIG').nodes;
}

/** Folders of nodes that the authority in `dir` has written. */
export async function listNodes(dir: string): Promise<NodeConfig[]> {
  let names: string[];
  try {
    names = (await readdir(dir)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const found: NodeConfig[] = [];
  for (const name of names) {
    const path = resolve(dir, name, 'node.yaml');
    if (await readIfPresent(path)) found.push(await loadNodeConfig(path));
  }
  return found;
}

/** Writes the list of nodes into the hub's folder and into those of the leaves; answers the files that have changed. */
export async function updateRosters(dir: string): Promise<string[]> {
  const hubFile = resolve(dir, 'hub', 'hub.yaml');
  const hub = (await readIfPresent(hubFile)) ? await loadHubConfig(hubFile) : undefined;
  const nodes = await listNodes(dir);
  const members = nodes.map((node) => memberOf(node, hub?.address));
  const changed: string[] = [];
  if (hub) changed.push(...(await writeRoster(resolve(dir, 'hub'), members)));
  for (const leaf of nodes.filter((node) => node.nats.leaf))
    changed.push(
      ...(await writeRoster(
        leaf.pki,
        members.filter((member) => member.site === leaf.site && member.attached !== 'hub'),
      )),
    );
  return changed;
}

function memberOf(node: NodeConfig, hub: string | undefined): Member {
  const toHub = node.nats.servers.some((server) => new URL(server).hostname === hub);
  return { name: node.name, site: node.site, attached: node.nats.leaf ? 'own-leaf' : toHub ? 'hub' : 'site-leaf' };
}

async function writeRoster(folder: string, nodes: Member[]): Promise<string[]> {
  const path = resolve(folder, rosterFile);
  const text = stringify({ nodes });
  if ((await readIfPresent(path)) === text) return [];
  await writeDurably(path, text, 0o644);
  return [path];
}
