import { GodwitError } from '../lib/errors.ts';
import { isRunning, type ProcessId } from '../lib/process-id.ts';
import { createLabGroups, createNodeGroups, groupsOf } from './cgroup.ts';
import { processesIn } from './group-files.ts';
import { ownHierarchies } from './hierarchies.ts';
import { takeSysctls } from './host-sysctls.ts';
import { applyCut, applyShape } from './links.ts';
import { allBinds, startNode, writeHosts } from './node.ts';
import { plan } from './plan.ts';
import { connectNode, disconnectNode, place } from './ports.ts';
import { reap } from './reap.ts';
import { ensureRoot } from './root.ts';
import type { LabSettings } from './settings.ts';
import type { LabSpec, NodeSpec } from './spec.ts';
import { diskDir, type LabState, readLab, readNode, removeNode, writeLab, writeNode } from './state.ts';
import { addressOf, ensureSwitch, type Links, listLinks, nodePort, siteBridge } from './switch.ts';
import { removeDisk } from './teardown.ts';

/** Makes what is missing of the lab; what runs as it should is left alone. The caller holds the lab's lock. */
export async function raise(settings: LabSettings, spec: LabSpec): Promise<void> {
  const before = await readLab(settings, spec.name);
  if (before) refuseOtherPackages(before.spec, spec);
  const root = await ensureRoot(settings, spec.packages);
  const lab = plan(spec, before, before?.hierarchies ?? (await ownHierarchies()), root);
  const gone = (before?.spec.nodes ?? []).filter(({ name }) => !spec.nodes.some((node) => node.name === name));
  await writeLab(settings, { ...lab, spec: { ...spec, nodes: [...spec.nodes, ...gone] } });
  await takeSysctls(settings, spec.name);
  await createLabGroups(lab.hierarchies, spec.name);
  await ensureSwitch(settings, lab);
  const ports = (await listLinks(settings, spec.name)) ?? new Map();
  await Promise.all(gone.map((node) => dropNode(settings, lab, node.name, ports)));
  const inits = await Promise.all(spec.nodes.map((node) => ensureNode(settings, lab, node, ports)));
  await Promise.all(inits.map((init) => writeHosts(init, hostNames(lab))));
  for (const [end, state] of Object.entries(lab.links)) {
    await applyCut(settings, lab, end, state);
    await applyShape(settings, lab, end, state);
  }
  await writeLab(settings, lab);
}

/** Another root file system can not be slid under disks that nodes have written to. */
function refuseOtherPackages(before: LabSpec, { name, packages }: LabSpec): void {
  if (before.packages.join() === packages.join()) return;
  throw new GodwitError('E_CONFIG', `lab ${name} stands with other Debian packages than are asked for now`, {
    next: `Ask for the same (${before.packages.join(', ') || 'none'}), or take it down first: godwit lab down --lab ${name}.`,
  });
}

async function ensureNode(settings: LabSettings, lab: LabState, node: NodeSpec, ports: Links): Promise<ProcessId> {
  const running = await intact(settings, lab, node, ports);
  if (!running) {
    await reap(lab.hierarchies, lab.spec.name, node.name);
    await removeNode(settings, lab.spec.name, node.name);
    if (ports.has(nodePort(place(lab, node.name).last))) await disconnectNode(settings, lab, node.name);
  }
  await createNodeGroups(lab.hierarchies, lab.spec.name, node.name, node);
  if (running) return running;
  const init = await startNode(settings, lab, node);
  await connectNode(settings, lab, node, init);
  await writeNode(settings, lab.spec.name, node.name, { init, binds: allBinds(settings, lab) }); // only now is it whole
  return init;
}

/** The node's first process, if it runs in its groups, sees what it should, and is plugged in where it belongs. */
async function intact(
  settings: LabSettings,
  lab: LabState,
  node: NodeSpec,
  ports: Links,
): Promise<ProcessId | undefined> {
  const state = await readNode(settings, lab.spec.name, node.name);
  if (!state || state.binds !== allBinds(settings, lab) || !(await isRunning(state.init))) return;
  if (ports.get(nodePort(place(lab, node.name).last)) !== siteBridge(lab, node.site)) return;
  const groups = groupsOf(lab.hierarchies, lab.spec.name, node.name);
  const members = (await Promise.all(groups.map(processesIn))).flat();
  return members.includes(state.init.pid) ? state.init : undefined;
}

async function dropNode(settings: LabSettings, lab: LabState, node: string, ports: Links): Promise<void> {
  await reap(lab.hierarchies, lab.spec.name, node);
  if (ports.has(nodePort(place(lab, node).last))) await disconnectNode(settings, lab, node);
  await removeDisk(diskDir(settings, lab.spec.name, node));
  await removeNode(settings, lab.spec.name, node);
  delete lab.addresses[node];
}

function hostNames(lab: LabState): Record<string, string> {
  const nodes = lab.spec.nodes.map(({ name }) => [name, place(lab, name).address] as const);
  const aliases = Object.entries(lab.spec.aliases).map(([alias, name]) => [alias, place(lab, name).address] as const);
  return { outside: addressOf(lab.subnet ?? 0, 1), ...Object.fromEntries([...nodes, ...aliases]) };
}
