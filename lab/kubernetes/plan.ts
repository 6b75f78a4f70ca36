import { GodwitError } from '../../lib/errors.ts';
import type { NodeStatus } from '../status.ts';

// Every lab has these to itself: pods and services are known in the networks of its nodes alone.
export const podNetwork = '10.244.0.0/16';
export const serviceNetwork = '10.96.0.0/16';
/** First of the service network: the API server, as pods see it. */
export const apiService = '10.96.0.1';
export const dnsService = '10.96.0.10';

export const apiPort = 6443;
/** Name in every node's /etc/hosts; images are called `registry.lab:5000/<name>:<tag>`. */
export const registryName = 'registry.lab';
export const registryPort = 5000;
export const registry = `${registryName}:${registryPort}`;

export const hubComponentNames = [
  'registry',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const;
export const workerComponentNames = ['containerd', 'kubelet', 'kube-proxy'] as const;
export type ComponentName = (typeof hubComponentNames)[number] | (typeof workerComponentNames)[number];

export interface Place {
  name: string;
  address: string;
  /** Path on this machine to the node's root. */
  root: string;
}

export interface Worker extends Place {
  tier: 'edge' | 'cloud';
  site: string;
  cores: number;
  memoryBytes: number;
  /** Such as 10.244.12.0/24. */
  podCidr: string;
}

/** The control plane on the lab's hub, a kubelet on all other nodes. */
export interface ClusterPlan {
  lab: string;
  hub: Place;
  workers: Worker[];
  /** URL of the API server, for nodes and for this machine. */
  api: string;
}

/** @throws E_CONFIG without exactly one hub and at least one other node, E_LAB when a node does not run */
export function planCluster(lab: string, nodes: readonly NodeStatus[]): ClusterPlan {
  const hubs = nodes.filter(({ kind }) => kind === 'hub');
  const [hub] = hubs;
  if (!hub || hubs.length > 1 || nodes.length < 2)
    throw new GodwitError('E_CONFIG', `lab ${lab} has ${hubs.length} nodes of kind hub and ${nodes.length} nodes`, {
      next: 'A cluster needs one hub, for its control plane, and one node or more beside it.',
    });
  const workers = nodes.flatMap(({ kind, ...node }) => (kind === 'hub' ? [] : [workerOf({ ...node, tier: kind })]));
  return { lab, hub: placeOf(hub), workers, api: `https://${hub.address}:${apiPort}` };
}

function placeOf({ name, address, root }: Omit<NodeStatus, 'kind'>): Place {
  if (root === undefined) throw new GodwitError('E_LAB', `node ${name} does not run`);
  return { name, address, root };
}

function workerOf(node: Omit<NodeStatus, 'kind'> & Pick<Worker, 'tier'>): Worker {
  const { tier, site, cores, memoryBytes } = node;
  const podCidr = `10.244.${node.address.split('.').at(-1)}.0/24`;
  return { ...placeOf(node), tier, site, cores, memoryBytes, podCidr };
}
