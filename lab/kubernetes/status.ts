import { join } from 'node:path';
import { readIfPresent } from '../../lib/files.ts';
import { listServices } from '../services.ts';
import { type LabSettings, labSettings } from '../settings.ts';
import { labDir } from '../state.ts';
import type { LabStatus, NodeStatus } from '../status.ts';
import { hubComponentNames, workerComponentNames } from './plan.ts';

/** Folder on this machine of what the cluster's parts have to know; it goes with the lab. */
export const clusterDir = (settings: LabSettings, lab: string): string => join(labDir(settings, lab), 'kubernetes');
export const kubeconfigPath = (settings: LabSettings, lab: string): string =>
  join(clusterDir(settings, lab), 'admin.kubeconfig');

export interface NodeClusterStatus {
  /** Components that should run on the node and do not. */
  stopped: string[];
  kubeconfig: string;
}

/** By node; undefined when the lab has no cluster. */
export async function clusterStatus(
  lab: LabStatus,
  given: Partial<LabSettings> = {},
): Promise<Record<string, NodeClusterStatus> | undefined> {
  const settings = labSettings(given);
  const kubeconfig = kubeconfigPath(settings, lab.name);
  if ((await readIfPresent(kubeconfig)) === undefined) return undefined;
  const entries = lab.nodes.map(async (node) => [
    node.name,
    { stopped: await stopped(settings, lab, node), kubeconfig },
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

async function stopped(settings: LabSettings, lab: LabStatus, node: NodeStatus): Promise<string[]> {
  const wanted = node.kind === 'hub' ? hubComponentNames : workerComponentNames;
  if (!node.running) return [...wanted];
  const services = (await listServices(settings, lab.name, node.name)).filter(({ running }) => running);
  return wanted.filter((name) => !services.some((service) => service.name === name));
}
