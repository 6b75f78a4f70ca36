import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { GodwitError } from '../lib/errors.ts';
import { systemExec } from '../lib/exec.ts';
import { labServices, labStart, labUp } from './lab.ts';
import { type LabSettings, labSettings } from './settings.ts';
import type { LabSpecInput } from './spec.ts';
import { labDir } from './state.ts';
import type { LabStatus, NodeStatus } from './status.ts';

/** A lab whose nodes run Godwit as real machines do: `godwit hub` on the hub, `godwit agent` on all others. */
export interface FleetSpec extends LabSpecInput {
  /** Text of the policy file; without one the built-in defaults are in force. */
  policy?: string;
  /** Merged into every node's node.yaml. */
  nodeConfig?: Record<string, unknown>;
  /** Merged into hub.yaml, and files beside it. */
  hubConfig?: Record<string, unknown>;
  hubFiles?: Record<string, string>;
}

export interface Fleet {
  lab: LabStatus;
  /** Folder of operator.yaml on this machine: what `godwit --config` takes. */
  operator: string;
}

/** Raises the lab, gives every node its certificates and starts its services; repeats repair. @throws E_LAB, E_CONFIG, E_SETUP */
export async function fleetUp(spec: FleetSpec, given: Partial<LabSettings> = {}): Promise<Fleet> {
  const { policy, nodeConfig, hubConfig, hubFiles, ...labSpec } = spec;
  const settings = labSettings(given);
  const lab = await labUp(labSpec, given);
  const hub = lab.nodes.find((node) => node.kind === 'hub');
  if (!hub) throw new GodwitError('E_CONFIG', `lab ${lab.name} has no node of kind hub`);
  const pki = join(labDir(settings, lab.name), 'pki');
  await issue(settings, pki, hub.address, lab.nodes);
  const rules = policy === undefined ? {} : { policy: 'policy.yaml' };
  const files = { ...hubFiles, ...(policy !== undefined && { 'policy.yaml': policy }) };
  await install(join(pki, 'hub'), hub, { 'hub.yaml': { ...hubConfig, ...rules } }, files);
  await startOnce(lab.name, hub.name, ['godwit', 'hub'], 'hub', given);
  for (const node of lab.nodes.filter(({ kind }) => kind !== 'hub')) {
    await install(join(pki, node.name), node, { 'node.yaml': nodeConfig ?? {} }, {});
    await startOnce(lab.name, node.name, ['godwit', 'agent'], 'agent', given);
  }
  return { lab, operator: join(pki, 'hub') };
}

/** Makes the authority and one folder a machine, with the very command that people use. */
async function issue(settings: LabSettings, pki: string, hub: string, nodes: readonly NodeStatus[]): Promise<void> {
  const known = await readFile(join(pki, 'complete'), 'utf8').catch(() => '');
  const plan = JSON.stringify([hub, nodes.map(({ name, address, site, kind }) => [name, address, site, kind])]);
  if (known === plan) return;
  await rm(pki, { recursive: true, force: true });
  await mkdir(pki, { recursive: true, mode: 0o700 });
  const godwit = (...args: string[]) =>
    systemExec(join(settings.checkout, 'bin/godwit'), ['pki', ...args, '--dir', pki]);
  await godwit('init');
  await godwit('hub', '--address', hub);
  for (const { name, site, kind, address } of nodes.filter((node) => node.kind !== 'hub'))
    await godwit('node', name, '--site', site, '--tier', kind, '--address', address, '--hub', hub);
  await writeFile(join(pki, 'complete'), plan);
}

type Patches = Record<string, Record<string, unknown>>;

/** Copies a machine's folder to its /etc/godwit, with settings merged into its YAML files and further files beside them. */
async function install(from: string, node: NodeStatus, patches: Patches, files: Record<string, string>): Promise<void> {
  if (node.root === undefined) throw new GodwitError('E_LAB', `node ${node.name} does not run`);
  const to = join(node.root, 'etc/godwit');
  await cp(from, to, { recursive: true });
  for (const [file, patch] of Object.entries(patches)) {
    const known = (parse(await readFile(join(from, file), 'utf8')) ?? {}) as Record<string, unknown>;
    await writeFile(join(to, file), stringify({ ...known, ...patch }));
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(to, file), text);
}

async function startOnce(
  lab: string,
  node: string,
  argv: string[],
  name: string,
  given: Partial<LabSettings>,
): Promise<void> {
  const services = await labServices(lab, node, given);
  if (services.some((service) => service.name === name && service.running)) return;
  await labStart(lab, node, argv, { name }, given);
}
