import type { Cluster } from './cluster.ts';
import type { ClusterKindName } from './kinds.ts';
import { migrationsOf } from './migrations.ts';
import { listEdgeNodes } from './nodes.ts';
import { surveyWorkloads } from './workloads.ts';

/** Names of all objects of a kind, of the cluster's namespace where it has namespaces. */
export async function namesOf(kind: ClusterKindName, cluster: Cluster): Promise<string[]> {
  const selection = { namespace: cluster.namespace };
  switch (kind) {
    case 'nodes':
      return (await listEdgeNodes(cluster)).map(({ metadata }) => metadata.name);
    case 'workloads':
      return (await surveyWorkloads(cluster, selection)).workloads.map(({ pod }) => pod);
    case 'migrations': {
      const migrations = await migrationsOf(selection).list(cluster, Number.MAX_SAFE_INTEGER);
      return migrations.map(({ metadata }) => metadata.name);
    }
  }
}
