import { type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { type Resource, resources } from '../../k8s/resource.ts';
import { until } from '../../test/helpers/until.ts';
import { outsideClient } from './client.ts';
import type { Path } from './path.ts';
import { addressOf, createPod, deletePod, namespace, type RunningPod, untilGone } from './pods.ts';
import type { Stage } from './stage.ts';

const services: Resource = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true };

interface Way {
  name: string;
  runtimeClassName?: string;
  /** By whose address a client outside the cluster comes to the pod's Service. */
  serviceNode: string;
}

/** A pod whose nodes have our runtime. */
export const runtimePath = (cluster: Stage['cluster']): Path =>
  movedByObjects(cluster, { name: 'runtime', runtimeClassName: 'godwit', serviceNode: 'cloud-1' });

/** A pod of nodes as they come. */
export const imagePath = (cluster: Stage['cluster']): Path =>
  movedByObjects(cluster, { name: 'image', serviceNode: 'edge-1' });

/** Migration objects, there and back: what a person or the decider does. */
function movedByObjects(cluster: Stage['cluster'], { name: way, runtimeClassName, serviceNode }: Way): Path {
  const { client, lab } = cluster;
  const { address: service } = cluster.node(serviceNode);
  let pod: RunningPod;
  let moves = 0;
  return {
    name: way,
    start: async (mib) => {
      const name = `${way}-${mib}`;
      const runtime = runtimeClassName !== undefined && { runtimeClassName };
      pod = await createPod(cluster, { name, node: 'edge-1', mib, image: 'counter:1', ...runtime });
      const spec = { externalIPs: [service], selector: { app: name }, ports: [{ port: 8080 }] };
      const object = { metadata: { name: way, namespace }, spec };
      await client.create(services, object);
    },
    move: async () => {
      const target = pod.node === 'edge-1' ? 'cloud-1' : 'edge-1';
      const outside = await outsideClient(lab);
      try {
        for (const address of [pod.address, service]) outside.add(address);
        for (const address of [pod.address, service]) await outside.untilAnswers(address);
        const name = `${way}-${moves++}`;
        const spec = { pod: pod.name, target, strategy: 'warm' };
        const migration = { metadata: { name, namespace }, spec };
        await client.create(resources.migrations, migration);
        const copy = await targetOf(cluster, name, target);
        outside.add(copy.address);
        const { freezeMs = Number.NaN, downtimeMs = Number.NaN, totalMs = Number.NaN } = await succeeded(cluster, name);
        await untilGone(client, pod);
        for (const address of [copy.address, service]) await outside.untilAnswers(address);
        const { last, first } = outside.handOver(pod.address, copy.address);
        const serviceMs = outside.longestHole(service);
        pod = copy;
        return { freezeMs, downtimeMs: first - last, clusterMs: downtimeMs, serviceMs, totalMs };
      } finally {
        outside.stop();
      }
    },
    stop: async () => {
      await deletePod(cluster, pod);
      await client.delete(services, { namespace, name: way });
    },
  };
}

const read = async ({ client }: Stage['cluster'], name: string): Promise<Migration> =>
  migrationSchema.parse(await client.get(resources.migrations, { namespace, name }));

/** The pod that waits for the copy. */
async function targetOf(cluster: Stage['cluster'], migration: string, node: string): Promise<RunningPod> {
  const { name, uid } = await until('the target pod', 180_000, async () => {
    const { status } = await read(cluster, migration);
    if (status?.phase === 'Refused') throw new Error(status.reason);
    if (status?.targetPod === undefined) return undefined;
    return (await cluster.client.get(resources.pods, { namespace, name: status.targetPod }))?.metadata;
  });
  return { name, uid, node, address: await addressOf(cluster, node, uid) };
}

async function succeeded(cluster: Stage['cluster'], name: string): Promise<NonNullable<Migration['status']>> {
  return until(`migration ${name} to succeed`, 120_000, async () => {
    const { status } = await read(cluster, name);
    if (status?.phase === 'Succeeded') return status;
    throw new Error(JSON.stringify(status));
  });
}
