import type { NodeRecord, Workload } from '../../lib/contract/node.ts';
import type { Hub } from '../hub-client.ts';
import { age, type Kind } from '../output.ts';
import { nodeChanges, nodes } from './nodes.ts';
import type { Resource } from './resource.ts';

export type PlacedWorkload = Workload & { node: string };

export const movable = (workload: Pick<Workload, 'obstacle' | 'migrate'>): string =>
  workload.obstacle ? 'no' : workload.migrate ? 'yes' : 'on request';

const workloadKind = (now: number): Kind<PlacedWorkload> => ({
  kind: 'workload',
  name: (workload) => workload.name,
  columns: [
    { header: 'NAME', value: (workload) => workload.name },
    { header: 'NODE', value: (workload) => workload.node },
    { header: 'STATUS', value: ({ lost }) => (lost ? 'Lost' : 'Running') },
    { header: 'HOME', value: (workload) => workload.home },
    { header: 'KEEPS', value: (workload) => workload.keeps },
    { header: 'STRATEGY', value: (workload) => workload.strategy },
    { header: 'MOVABLE', value: movable },
    { header: 'ADDRESS', value: (workload) => workload.address },
    { header: 'AGE', value: (workload) => age(workload.startedAt, now) },
    { header: 'PRIORITY', wide: true, value: (workload) => workload.priority },
    { header: 'IMAGE', wide: true, value: (workload) => workload.image.slice(0, 19) },
    { header: 'OBSTACLE', wide: true, value: (workload) => workload.obstacle },
  ],
});

const placed = (node: NodeRecord): PlacedWorkload[] =>
  node.workloads.map((workload) => ({ ...workload, node: node.name }));

export const workloads: Resource<PlacedWorkload> = {
  kind: workloadKind,
  unknown: 'E_UNKNOWN_WORKLOAD',
  list: async (hub, limit) =>
    (await nodes.list(hub, limit)).flatMap(placed).sort((a, b) => a.name.localeCompare(b.name)),
  changes: workloadChanges,
  fingerprint: (workload) => JSON.stringify(workload),
};

async function* workloadChanges(hub: Hub, _since: number, signal: AbortSignal): AsyncGenerator<PlacedWorkload> {
  for await (const node of nodeChanges(hub, signal)) yield* placed(node);
}
