import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { resources, type Selection } from '../../k8s/resource.ts';
import type { PodDeclaration } from '../../lib/contract/pod.ts';
import { parseAs } from '../../lib/parse.ts';
import { declareNode, type NodeDeclarations } from '../../sidecar/pods/declarations.ts';
import { type FindOwner, type Owner, type OwnerKind, ownerResources, ownerSchema } from '../../sidecar/pods/owners.ts';
import { type Pod, podSchema } from '../../sidecar/pods/pod.ts';
import type { Resource } from '../kinds/resource.ts';
import { movable } from '../kinds/workloads.ts';
import { age, type Kind } from '../output.ts';
import type { Cluster } from './cluster.ts';
import { listEdgeNodes } from './nodes.ts';
import { watched } from './watched.ts';

/** A pod that is a workload, and what it declares of itself. */
export interface ClusterWorkload extends Omit<PodDeclaration, 'name'> {
  /** That it keeps from pod to pod. */
  workload: string;
  node: string;
  phase: string;
  /** RFC 3339. */
  createdAt: string;
}

const workloadKind =
  (everywhere: boolean) =>
  (now: number): Kind<ClusterWorkload> => ({
    kind: 'workload',
    name: ({ pod }) => pod,
    columns: [
      ...(everywhere ? [{ header: 'NAMESPACE', value: ({ namespace }: ClusterWorkload) => namespace }] : []),
      { header: 'NAME', value: ({ pod }) => pod },
      { header: 'NODE', value: ({ node }) => node },
      { header: 'STATUS', value: ({ phase }) => phase },
      { header: 'HOME', value: ({ home }) => home },
      { header: 'KEEPS', value: ({ keeps }) => keeps },
      { header: 'STRATEGY', value: ({ strategy }) => strategy },
      { header: 'MOVABLE', value: movable },
      { header: 'AGE', value: ({ createdAt }) => age(Date.parse(createdAt), now) },
      { header: 'WORKLOAD', wide: true, value: ({ workload }) => workload },
      { header: 'PRIORITY', wide: true, value: ({ priority }) => priority },
      { header: 'IMAGE', wide: true, value: ({ image }) => image.slice(0, 19) },
      { header: 'OBSTACLE', wide: true, value: ({ obstacle }) => obstacle },
    ],
  });

/** Those of one namespace, or of all. */
export const workloadsOf = (selection: Selection): Resource<ClusterWorkload, Cluster> => ({
  kind: workloadKind(selection.namespace === undefined),
  unknown: 'E_UNKNOWN_WORKLOAD',
  list: async (cluster) => (await surveyWorkloads(cluster, selection)).workloads,
  changes: async function* (cluster, _since, signal) {
    for await (const { kind, object } of watched(cluster, resources.pods, {
      ...{ selection, schema: kubeObjectSchema, signal },
    })) {
      const { namespace } = object.metadata;
      if (kind === 'deleted' || namespace === undefined) continue;
      yield* (await declare(cluster, [object], { namespace })).workloads;
    }
  },
  fingerprint: (workload) => JSON.stringify(workload),
});

/** What the pods on nodes with an EdgeNode declare, and what is written wrong in annotations. */
export interface Survey extends Pick<NodeDeclarations, 'faults'> {
  workloads: ClusterWorkload[];
}

export async function surveyWorkloads(cluster: Cluster, selection: Selection): Promise<Survey> {
  const { items } = await cluster.client.list(resources.pods, selection);
  return declare(cluster, items, selection);
}

async function declare(cluster: Cluster, raw: readonly unknown[], selection: Selection): Promise<Survey> {
  const [edgeNodes, find] = await Promise.all([listEdgeNodes(cluster), loadOwners(cluster, selection)]);
  const names = new Set(edgeNodes.map(({ metadata }) => metadata.name));
  const created = new Map(
    raw.map((item) => {
      const { metadata } = parseAs(kubeObjectSchema, item, 'Pod');
      return [metadata.uid, metadata.creationTimestamp ?? ''];
    }),
  );
  const pods = raw.map((item) => parsePod(item)).filter(({ spec }) => names.has(spec.nodeName ?? ''));
  const { declarations, faults } = declareNode(pods, find);
  const byUid = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  const workloads = declarations.map(({ name, ...declaration }) => ({
    workload: name,
    ...declaration,
    node: byUid.get(declaration.uid)?.spec.nodeName ?? '',
    phase: byUid.get(declaration.uid)?.status.phase ?? 'Unknown',
    createdAt: created.get(declaration.uid) ?? '',
  }));
  return { workloads, faults };
}

export const parsePod = (raw: unknown): Pod => parseAs(podSchema, raw, 'Pod');

/** Reads all controllers of pods of a namespace, or of all, at once. */
export async function loadOwners({ client }: Cluster, selection: Selection): Promise<FindOwner> {
  const { namespace } = selection;
  const owners = new Map<string, Owner>();
  const keyOf = (kind: string, key: { namespace: string; name: string }): string =>
    `${kind}/${key.namespace}/${key.name}`;
  const load = async (kind: OwnerKind): Promise<void> => {
    const { items } = await client.list(ownerResources[kind], namespace === undefined ? {} : { namespace });
    for (const item of items) {
      const owner = parseAs(ownerSchema, item, kind);
      owners.set(keyOf(kind, owner.metadata), owner);
    }
  };
  await Promise.all((Object.keys(ownerResources) as OwnerKind[]).map(load));
  return (kind, key) => owners.get(keyOf(kind, key));
}
