import { createLabGroups, createNodeGroups, groupsOf } from './cgroup.ts';
import { processesIn } from './group-files.ts';
import { ownHierarchies } from './hierarchies.ts';
import { takeSysctls } from './host-sysctls.ts';
import { applyLink, isPlain } from './links.ts';
import { bindLines, nodeBinds, startNode, writeHosts } from './node.ts';
import { connectNode, disconnectNode, place } from './ports.ts';
import { isRunning, type ProcessId } from './process-id.ts';
import { reap } from './reap.ts';
import { ensureRoot } from './root.ts';
import type { LabSettings } from './settings.ts';
import type { LabSpec, NodeSpec } from './spec.ts';
import { diskDir, type LabState, readLab, readNode, removeNode, writeLab } from './state.ts';
import { addressOf, ensureSwitch, listLinks, nodePort } from './switch.ts';
import { removeDisk } from './teardown.ts';

/** Makes what is missing of the lab; what runs as it should is left alone. The caller holds the lab's lock. */
export async function raise(settings: LabSettings, spec: LabSpec): Promise<void> {
  const root = await ensureRoot(settings);
  const before = await readLab(settings, spec.name);
  const lab = plan(spec, before, before?.hierarchies ?? (await ownHierarchies()), root);
  const gone = (before?.spec.nodes ?? []).filter(({ name }) => !spec.nodes.some((node) => node.name === name));
  await writeLab(settings, { ...lab, spec: { ...spec, nodes: [...spec.nodes, ...gone] } });
  await takeSysctls(settings, spec.name);
  await createLabGroups(lab.hierarchies, spec.name);
  await ensureSwitch(settings, lab);
  const ports = (await listLinks(settings, spec.name)) ?? new Set<string>();
  await Promise.all(gone.map((node) => dropNode(settings, lab, node.name, ports)));
  const moved = (node: NodeSpec): boolean =>
    before?.spec.nodes.find(({ name }) => name === node.name)?.site !== node.site;
  const inits = await Promise.all(
    spec.nodes.map((node) => ensureNode(settings, lab, node, { ports, fresh: moved(node) })),
  );
  await Promise.all(inits.map((init) => writeHosts(init, hostNames(lab))));
  const shaped = Object.entries(lab.links).filter(([, state]) => !isPlain(state));
  for (const [end, state] of shaped) await applyLink(settings, lab, end, state);
  await writeLab(settings, lab);
}

/** Numbers for what is new; what was there keeps its own. */
export function plan(
  spec: LabSpec,
  before: LabState | undefined,
  hierarchies: LabState['hierarchies'],
  root: string,
): LabState {
  const names = spec.nodes.map(({ name }) => name);
  const sites = [...new Set(spec.nodes.map(({ site }) => site))];
  const ends = new Set([...names.map((name) => `node:${name}`), ...sites.map((site) => `site:${site}`)]);
  return {
    spec,
    hierarchies,
    root,
    ...(before?.subnet !== undefined && { subnet: before.subnet }),
    addresses: number(names, before?.addresses ?? {}, 11),
    sites: number(sites, before?.sites ?? {}, 0),
    links: Object.fromEntries(Object.entries(before?.links ?? {}).filter(([end]) => ends.has(end))),
  };
}

function number(
  names: readonly string[],
  known: Readonly<Record<string, number>>,
  first: number,
): Record<string, number> {
  const numbers = { ...known };
  for (const name of names) {
    const used = new Set(Object.values(numbers));
    let free = first;
    while (used.has(free)) free += 1;
    numbers[name] ??= free;
  }
  return numbers;
}

interface Present {
  ports: ReadonlySet<string>;
  /** Start it anew though it runs. */
  fresh: boolean;
}

async function ensureNode(settings: LabSettings, lab: LabState, node: NodeSpec, present: Present): Promise<ProcessId> {
  const running = present.fresh ? undefined : await intact(settings, lab, node, present.ports);
  if (!running) {
    await reap(lab.hierarchies, lab.spec.name, node.name);
    await removeNode(settings, lab.spec.name, node.name);
    if (present.ports.has(nodePort(place(lab, node.name).last))) await disconnectNode(settings, lab, node.name);
  }
  await createNodeGroups(lab.hierarchies, lab.spec.name, node.name, node);
  if (running) return running;
  const init = await startNode(settings, lab, node);
  await connectNode(settings, lab, node, init);
  return init;
}

/** The node's first process, if it runs in its groups with what it was asked to see, and is plugged in. */
async function intact(
  settings: LabSettings,
  lab: LabState,
  node: NodeSpec,
  ports: ReadonlySet<string>,
): Promise<ProcessId | undefined> {
  const state = await readNode(settings, lab.spec.name, node.name);
  if (!state || state.binds !== bindLines(nodeBinds(settings, lab.spec.binds)) || !(await isRunning(state.init)))
    return;
  if (!ports.has(nodePort(place(lab, node.name).last))) return;
  const groups = groupsOf(lab.hierarchies, lab.spec.name, node.name);
  const members = (await Promise.all(groups.map(processesIn))).flat();
  return members.includes(state.init.pid) ? state.init : undefined;
}

async function dropNode(settings: LabSettings, lab: LabState, node: string, ports: ReadonlySet<string>): Promise<void> {
  await reap(lab.hierarchies, lab.spec.name, node);
  if (ports.has(nodePort(place(lab, node).last))) await disconnectNode(settings, lab, node);
  await removeDisk(diskDir(settings, lab.spec.name, node));
  await removeNode(settings, lab.spec.name, node);
  delete lab.addresses[node];
}

function hostNames(lab: LabState): Record<string, string> {
  const nodes = lab.spec.nodes.map(({ name }) => [name, place(lab, name).address] as const);
  return { outside: addressOf(lab.subnet ?? 0, 1), ...Object.fromEntries(nodes) };
}
