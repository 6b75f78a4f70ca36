import type { NatsConnection } from '@nats-io/transport-node';
import { openAuthority } from '../../cli/pki/authority.ts';
import { createKubeClient, type KubeClient } from '../../k8s/client.ts';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { type Fleet, type FleetSpec, fleetUp } from '../../lab/fleet.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { labSettings } from '../../lab/settings.ts';
import type { NodeStatus } from '../../lab/status.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import type { FleetNode } from '../../test/helpers/fleet.ts';

const gibibytes = (count: number): number => count * 2 ** 30;
const nodes = [
  { name: 'hub', kind: 'hub', site: 'cloud', cores: 2, memoryBytes: gibibytes(4) },
  { name: 'edge-1', kind: 'edge', site: 'edge', cores: 2, memoryBytes: gibibytes(8) },
  { name: 'cloud-1', kind: 'cloud', site: 'cloud', cores: 2, memoryBytes: gibibytes(8) },
] as const;
const policy = `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: bench }
spec: { paused: true, overload: { targetThresholds: { cpu: 1, memory: 1 } } }
`;

/** Nodes with Godwit on them. */
export interface Side {
  lab: string;
  /** Such as 10.88.1. */
  network: string;
  node(name: string): FleetNode;
  /** As a person of that fleet. */
  connection: NatsConnection;
}

/** Two pairs of nodes that stand side by side all the time, so that each costs the other the same. */
export interface Stage {
  cluster: Side & { client: KubeClient; kubeconfig: string };
  bare: Side;
  log: Logger;
}

export const labsOf = (name: string): { cluster: string; bare: string } => ({ cluster: name, bare: `${name}-bare` });

export async function raiseStage(name: string, bundles: string): Promise<Stage> {
  const log = createLogger('bench', { level: 'error' });
  const labs = labsOf(name);
  const spec = (lab: string): FleetSpec => ({
    name: lab,
    nodes: [...nodes],
    binds: [{ source: bundles, target: '/opt/bundles' }],
    policy,
    nodeConfig: { monitor: { intervalMs: 1000 } },
  });
  const raised = await clusterFleetUp(
    // buildah asks for netavark before it does anything
    { ...spec(labs.cluster), packages: ['buildah', 'netavark'] },
    (folder) => openAuthority(folder, systemClock),
    { onProgress: (line) => console.error(line) },
  );
  const bare = await fleetUp(spec(labs.bare));
  const { kubeconfig } = raised.cluster;
  const client = createKubeClient(loadKubeConfig(kubeconfig));
  await pushCounter(labs.cluster);
  return { cluster: { ...(await sideOf(raised.fleet, log)), client, kubeconfig }, bare: await sideOf(bare, log), log };
}

async function sideOf({ lab, operator }: Fleet, log: Logger): Promise<Side> {
  const node = (name: string): FleetNode => {
    const found = lab.nodes.find((one) => one.name === name);
    if (!found || !isRunning(found)) throw new Error(`${name} does not run`);
    return found;
  };
  const servers = [`tls://${node('hub').address}:4222`];
  const connection = await connectBus({ servers, user: 'operator', tls: tlsFiles(operator, 'operator'), log });
  return { lab: lab.name, network: lab.subnet.replace(/\.0\/24$/, ''), node, connection };
}

const isRunning = (node: NodeStatus): node is FleetNode => node.root !== undefined && node.pid !== undefined;

/** The counter's bundle as an image in the lab's registry. */
async function pushCounter(lab: string): Promise<void> {
  const folders = ['app', 'lib', 'lib64', 'usr'];
  const files = Object.fromEntries(folders.map((folder) => [`/opt/bundles/counter/rootfs/${folder}`, `/${folder}`]));
  const entrypoint = ['/usr/bin/node', '/app/main.mjs'];
  await pushImage(labSettings(), lab, 'hub', { name: 'counter:1', files, entrypoint });
}
