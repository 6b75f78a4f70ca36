import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Hub } from '../hub-client.ts';
import { age, bytes, type Kind } from '../output.ts';
import type { Resource } from './resource.ts';

/** An agent writes its record at least every 30 s. */
export const silentAfterMs = 90_000;

export const nodeStatus = (node: NodeRecord, now: number): string =>
  now - node.updatedAt > silentAfterMs ? 'Silent' : 'Ready';

const nodeKind = (now: number): Kind<NodeRecord> => ({
  kind: 'node',
  name: (node) => node.name,
  columns: [
    { header: 'NAME', value: (node) => node.name },
    { header: 'STATUS', value: (node) => nodeStatus(node, now) },
    { header: 'SITE', value: (node) => node.site },
    { header: 'TIER', value: (node) => node.tier },
    { header: 'CORES', value: (node) => node.capacity.cores },
    { header: 'MEMORY', value: (node) => bytes(node.capacity.memoryBytes) },
    { header: 'WORKLOADS', value: (node) => node.workloads.length },
    { header: 'SEEN', value: (node) => age(node.updatedAt, now) },
    { header: 'ADDRESS', wide: true, value: (node) => node.address },
    { header: 'ENGINES', wide: true, value: (node) => node.engines.join(',') },
    { header: 'VERSIONS', wide: true, value: versionsOf },
  ],
});

export const versionsOf = (node: NodeRecord): string =>
  Object.entries(node.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

export const nodes: Resource<NodeRecord> = {
  kind: nodeKind,
  unknown: 'E_UNKNOWN_NODE',
  list: async (hub) => (await (await hub.nodes()).list()).map(({ value }) => value),
  changes: (hub, _since, signal) => nodeChanges(hub, signal),
  fingerprint: ({ updatedAt: _, ...node }) => JSON.stringify(node),
};

export async function* nodeChanges(hub: Hub, signal: AbortSignal): AsyncGenerator<NodeRecord> {
  const store = await hub.nodes();
  for await (const { value } of store.watch({ signal })) if (value) yield value;
}
