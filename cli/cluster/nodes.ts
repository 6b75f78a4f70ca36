import { type EdgeNode, edgeNodeSchema } from '../../k8s/objects/edge-node.ts';
import { resources } from '../../k8s/resource.ts';
import { parseAs } from '../../lib/parse.ts';
import type { Resource } from '../kinds/resource.ts';
import { age, type Kind } from '../output.ts';
import type { Cluster } from './cluster.ts';
import { watched } from './watched.ts';

export const conditionOf = ({ status }: EdgeNode, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

const words = { True: 'Ready', False: 'NotReady', Unknown: 'Silent' } as const;

/** `Unseen`: no controller has looked at it yet. */
export function edgeNodeStatus(node: EdgeNode): string {
  const ready = conditionOf(node, 'Ready');
  return ready ? words[ready.status] : 'Unseen';
}

export const versionsOf = ({ status }: EdgeNode): string =>
  Object.entries(status?.versions ?? {})
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

const nodeKind = (now: number): Kind<EdgeNode> => ({
  kind: 'node',
  name: ({ metadata }) => metadata.name,
  columns: [
    { header: 'NAME', value: ({ metadata }) => metadata.name },
    { header: 'STATUS', value: edgeNodeStatus },
    { header: 'SITE', value: ({ spec }) => spec.site },
    { header: 'TIER', value: ({ spec }) => spec.tier },
    { header: 'MONITORING', value: ({ spec }) => spec.monitoring },
    { header: 'MONITORED', value: (node) => conditionOf(node, 'Monitored')?.status },
    { header: 'PODS', value: ({ status }) => status?.pods },
    { header: 'WORKLOADS', value: ({ status }) => status?.workloads },
    { header: 'AGE', value: ({ metadata }) => age(Date.parse(metadata.creationTimestamp ?? ''), now) },
    { header: 'VERSIONS', wide: true, value: versionsOf },
    { header: 'WHY', wide: true, value: (node) => conditionOf(node, 'Ready')?.message },
  ],
});

export const nodes: Resource<EdgeNode, Cluster> = {
  kind: nodeKind,
  unknown: 'E_UNKNOWN_NODE',
  list: listEdgeNodes,
  changes: async function* (cluster, _since, signal) {
    for await (const { kind, object } of watched(cluster, resources.edgeNodes, {
      ...{ selection: {}, schema: edgeNodeSchema, signal },
    }))
      if (kind !== 'deleted') yield object;
  },
  fingerprint: ({ spec, status }) => JSON.stringify([spec, status]),
};

export async function listEdgeNodes({ client }: Cluster): Promise<EdgeNode[]> {
  const { items } = await client.list(resources.edgeNodes, {});
  return items.map((item) => parseAs(edgeNodeSchema, item, 'EdgeNode'));
}
