import { isRunning } from '../lib/process-id.ts';
import { rootPath } from './node.ts';
import { place } from './ports.ts';
import type { LabSettings } from './settings.ts';
import type { NodeSpec } from './spec.ts';
import { type LabState, type LinkState, readNode } from './state.ts';
import { addressOf, hostDevice } from './switch.ts';

export interface NodeStatus extends NodeSpec {
  address: string;
  running: boolean;
  /** This machine's number of the node's first process, and a path here to the node's root; while it runs. */
  pid?: number;
  root?: string;
}

export interface LabStatus {
  name: string;
  /** Such as 10.88.3.0/24; workloads take .100 to .250. */
  subnet: string;
  /** This machine's plug in the lab. */
  host: { device: string; address: string };
  nodes: NodeStatus[];
  /** By `node:<name>` or `site:<name>`; what is absent is whole and unshaped. */
  links: Record<string, LinkState>;
}

export async function statusOf(settings: LabSettings, lab: LabState): Promise<LabStatus> {
  const subnet = lab.subnet ?? 0;
  return {
    name: lab.spec.name,
    subnet: `${addressOf(subnet, 0)}/24`,
    host: { device: hostDevice(subnet), address: addressOf(subnet, 1) },
    nodes: await Promise.all(lab.spec.nodes.map((node) => nodeStatus(settings, lab, node))),
    links: lab.links,
  };
}

async function nodeStatus(settings: LabSettings, lab: LabState, node: NodeSpec): Promise<NodeStatus> {
  const state = await readNode(settings, lab.spec.name, node.name);
  const running = state !== undefined && (await isRunning(state.init));
  const { address } = place(lab, node.name);
  return { ...node, address, running, ...(running && { pid: state.init.pid, root: rootPath(state.init) }) };
}
