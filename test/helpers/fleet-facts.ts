import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../lib/files.ts';
import { freezerOf, isFrozen } from '../../migrator/engine/freezer.ts';
import { vethName } from '../../migrator/network/netns.ts';
import { type FleetNode, readInNode } from './fleet.ts';

// What stands on a node, from the kernel's and runc's own files, not from what Godwit says of it.

export type CopyState = 'none' | 'dead' | 'frozen' | 'running';

/** The container that runc knows under this name. */
export async function copyOn(node: FleetNode, workload: string): Promise<CopyState> {
  const text = await readInNode(node, `run/runc/${workload}/state.json`);
  if (!text) return 'none';
  const { cgroup_paths: paths } = JSON.parse(text) as { cgroup_paths: Record<string, string> };
  const freezer = freezerOf(paths);
  const here = { ...freezer, path: join(node.root, freezer.path) };
  const pids = await readInNode(node, join(freezer.path, 'cgroup.procs'));
  if (!pids?.trim()) return 'dead';
  return (await isFrozen(here)) ? 'frozen' : 'running';
}

/** Nodes on which the workload runs. */
export async function liveOn(nodes: readonly FleetNode[], workload: string): Promise<string[]> {
  const states = await Promise.all(nodes.map((node) => copyOn(node, workload)));
  return nodes.filter((_, index) => states[index] === 'running').map(({ name }) => name);
}

/** Everything that a finished migration should have removed from this node, a line each; `lives`: the workload runs here. */
export async function leftovers(node: FleetNode, workload: string, lives: boolean): Promise<string[]> {
  const found = await Promise.all([
    images(node),
    helpers(node),
    lives ? stateOf(node, workload) : traces(node, workload),
    groups(node, workload, lives ? 1 : 0),
    openJournals(node),
  ]);
  return found.flat().map((line) => `${node.name}: ${line}`);
}

/** What a test has put among the images to leave no room. */
export const filler = 'filler';

async function images(node: FleetNode): Promise<string[]> {
  const names = await list(node, 'run/godwit/migrations');
  return names.filter((name) => name !== filler).map((name) => `images ${name}`);
}

/** CRIU, its daemons, and programs that work for a migration. */
async function helpers(node: FleetNode): Promise<string[]> {
  // the shell that has called `runc restore` stays, as the reader of the copy's output
  const suspicious =
    /^(\S*\/)?criu:? |^\S* ?\S*\/hold\.sh|^(\S*\/)?runc .*(checkpoint|restore)|^tar .*\/(migrations|workloads)\//;
  const lines = await commandLines(node);
  return lines.filter(([, line]) => suspicious.test(line)).map(([, line]) => `process ${line.slice(0, 120)}`);
}

/** Processes whose command line fits, as the node counts. */
export async function pidsIn(node: FleetNode, command: RegExp): Promise<string[]> {
  return (await commandLines(node)).filter(([, line]) => command.test(line)).map(([pid]) => pid);
}

async function commandLines(node: FleetNode): Promise<[pid: string, line: string][]> {
  const pids = (await list(node, 'proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      const text = (await readInNode(node, `proc/${pid}/cmdline`)) ?? '';
      return [pid, text.replaceAll('\0', ' ').trim()];
    }),
  );
}

async function stateOf(node: FleetNode, workload: string): Promise<string[]> {
  const text = await readInNode(node, `var/lib/godwit/workloads/${workload}/spec.json`);
  const state = text === undefined ? 'missing' : (JSON.parse(text) as { state: string }).state;
  return state === 'running' ? [] : [`spec of ${workload} is ${state}`];
}

async function traces(node: FleetNode, workload: string): Promise<string[]> {
  const found: string[] = [];
  if ((await list(node, 'var/lib/godwit/workloads')).includes(workload)) found.push(`folder of ${workload}`);
  if ((await list(node, 'run/netns')).includes(`godwit-${workload}`)) found.push(`network namespace of ${workload}`);
  if ((await list(node, 'run/runc')).includes(workload)) found.push(`container ${workload}`);
  const mounts = await readFile(`/proc/${node.pid}/mountinfo`, 'utf8');
  if (mounts.includes(`/workloads/${workload}/`)) found.push(`mount of ${workload}`);
  const routes = await readFile(`/proc/${node.pid}/net/route`, 'utf8');
  if (routes.includes(vethName(workload))) found.push(`route to ${workload}`);
  return found;
}

/** A copy's cgroup goes with the copy. */
async function groups(node: FleetNode, workload: string, expected: number): Promise<string[]> {
  const v1 = await list(node, 'sys/fs/cgroup/freezer/godwit');
  const v2 = await list(node, 'sys/fs/cgroup/godwit');
  const own = [...v1, ...v2].filter((name) => name.startsWith(`${workload}.`));
  return own.length === expected ? [] : [`cgroups ${own.join(' ') || 'none'}, expected ${expected}`];
}

async function openJournals(node: FleetNode): Promise<string[]> {
  const folder = 'var/lib/godwit/migrations';
  const names = (await list(node, folder)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(names.map((name) => readInNode(node, join(folder, name))));
  const journals = texts.filter((text) => text !== undefined).map((text) => JSON.parse(text) as { ended: boolean });
  return journals.some(({ ended }) => !ended) ? ['a migration that has not ended here'] : [];
}

/** What the node has on its disk of a migration. */
export async function journalOn(
  node: FleetNode,
  migration: string,
): Promise<{ term: number; record?: string } | undefined> {
  const text = await readInNode(node, `var/lib/godwit/migrations/${migration}.json`);
  return text === undefined ? undefined : JSON.parse(text);
}

async function list(node: FleetNode, folder: string): Promise<string[]> {
  try {
    return await readdir(join(node.root, folder));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
