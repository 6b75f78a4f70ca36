import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { podContainerOf } from '../../lib/cri.ts';
import { isMissing } from '../../lib/files.ts';
import { freezerOf, isFrozen } from '../../migrator/engine/freezer.ts';
import { type FleetNode, readInNode } from './fleet.ts';
import type { CopyState } from './fleet-facts.ts';

// What stands of pods on a node, from the kernel's, runc's and CNI's own files.

const runcRoot = 'run/containerd/runc/k8s.io';
const bundles = 'run/containerd/io.containerd.runtime.v2.task/k8s.io';

/** States of the containers of this workload, or of those that fit, on the node, in whatever pod: `none` and `dead` are left out. */
export async function podCopiesOn(node: FleetNode, workload: string | RegExp): Promise<CopyState[]> {
  const found: CopyState[] = [];
  for (const id of await list(node, runcRoot)) {
    const text = await readInNode(node, join(runcRoot, id, 'state.json'));
    const name = text === undefined ? undefined : (await podOf(node, id))?.workload;
    if (text === undefined || name === undefined) continue;
    if (typeof workload === 'string' ? name !== workload : !workload.test(name)) continue;
    const { cgroup_paths: paths } = JSON.parse(text) as { cgroup_paths: Record<string, string> };
    const freezer = freezerOf(paths);
    if (!(await readInNode(node, join(freezer.path, 'cgroup.procs')))?.trim()) continue;
    found.push((await isFrozen({ ...freezer, path: join(node.root, freezer.path) })) ? 'frozen' : 'running');
  }
  return found;
}

async function podOf(node: FleetNode, id: string): Promise<ReturnType<typeof podContainerOf>> {
  const text = await readInNode(node, join(bundles, id, 'config.json'));
  return text === undefined ? undefined : podContainerOf(annotationsIn(text));
}

const annotationsIn = (text: string): Record<string, string> =>
  (JSON.parse(text) as { annotations?: Record<string, string> }).annotations ?? {};

/** A pod's address as CNI has given it out: the API hears of it only when the container runs. */
export async function addressOfPod(node: FleetNode, uid: string): Promise<string | undefined> {
  for (const address of (await list(node, 'var/lib/cni/networks/lab')).filter((name) => /^\d+\./.test(name))) {
    const sandbox = (await readInNode(node, join('var/lib/cni/networks/lab', address)))?.split(/\s/)[0] ?? '';
    const text = await readInNode(node, join(bundles, sandbox, 'config.json'));
    if (text !== undefined && annotationsIn(text)['io.kubernetes.cri.sandbox-uid'] === uid) return address;
  }
  return undefined;
}

/** Paths of the logs of all containers of a workload on the node, which its pods' names begin with. */
export async function logsOfPods(root: string, pods: string): Promise<string[]> {
  const folder = join(root, 'var/log/pods');
  const names = (await listIn(folder)).filter((name) => name.startsWith(`default_${pods}`));
  const logs = names.map(async (name) => {
    const files = await listIn(join(folder, name, 'main'));
    return files.map((file) => join(folder, name, 'main', file));
  });
  return (await Promise.all(logs)).flat();
}

const list = (node: FleetNode, folder: string): Promise<string[]> => listIn(join(node.root, folder));

async function listIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The root that a pod's running container sees, as a path on this machine. */
export async function rootOfPod(node: FleetNode, uid: string): Promise<string> {
  for (const id of await list(node, runcRoot)) {
    const text = await readInNode(node, join(runcRoot, id, 'state.json'));
    if (text === undefined || (await podOf(node, id))?.uid !== uid) continue;
    return join(node.root, 'proc', String((JSON.parse(text) as { init_process_pid: number }).init_process_pid), 'root');
  }
  throw new Error(`${node.name} runs no container of the pod ${uid}`);
}

/** Files by pod uid that keep godwit-runtime from creating containers. */
export const guardsOn = (node: FleetNode): Promise<string[]> => list(node, 'var/lib/godwit/guards');
