import { hasStatus } from '../../k8s/kube-error.ts';
import { resources } from '../../k8s/resource.ts';
import type { RequestedStrategy } from '../../lib/contract/names.ts';
import { parseAs } from '../../lib/parse.ts';
import { ownersOf } from '../../sidecar/pods/owners.ts';
import { type Finding, fault, ok, warning } from '../doctor/check.ts';
import { unknownName } from '../suggest.ts';
import { type Cluster, clusterProgram } from './cluster.ts';
import { isReady, nodeSchema } from './machine.ts';
import { listEdgeNodes } from './nodes.ts';
import type { MoveFacts } from './preflight.ts';
import { loadOwners, parsePod, surveyWorkloads } from './workloads.ts';

export interface Move {
  pod: string;
  target: string;
  strategy: RequestedStrategy;
}

/** @throws E_UNKNOWN_WORKLOAD, E_UNKNOWN_NODE */
export async function gatherMove(cluster: Cluster, { pod: name, target, strategy }: Move): Promise<MoveFacts> {
  const { client, namespace } = cluster;
  const [rawPod, rawNode, edgeNodes] = await Promise.all([
    client.get(resources.pods, { namespace, name }),
    client.get(resources.nodes, { name: target }),
    listEdgeNodes(cluster),
  ]);
  const list = `${clusterProgram} get workloads --namespace ${namespace}`;
  if (!rawPod) {
    const { workloads } = await surveyWorkloads(cluster, { namespace });
    const known = workloads.map((workload) => workload.pod);
    throw unknownName('E_UNKNOWN_WORKLOAD', `pod in namespace ${namespace} called`, name, known, list);
  }
  if (!rawNode) {
    const known = edgeNodes.map(({ metadata }) => metadata.name);
    throw unknownName('E_UNKNOWN_NODE', 'node', target, known, `${clusterProgram} get nodes`);
  }
  const pod = parsePod(rawPod);
  const node = parseAs(nodeSchema, rawNode, 'Node');
  const { levels } = ownersOf(pod.metadata, await loadOwners(cluster, { namespace }));
  return { pod, owners: levels, target: { name: target, ready: isReady(node) }, strategy, edgeNodes };
}

/** Whether the pod's PodDisruptionBudgets would let it go: the API server's word, by an eviction that it does not carry out. */
export async function judgeEviction({ client, namespace }: Cluster, pod: string): Promise<Finding> {
  const check = `eviction ${namespace}/${pod}`;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  try {
    await client.create(resources.pods, eviction, { subresource: 'eviction', dryRun: true });
    return ok(check, 'no PodDisruptionBudget speaks against it');
  } catch (error) {
    if (hasStatus(error, 429)) return fault(check, error.message, 'wait until its PodDisruptionBudget allows it');
    if (hasStatus(error, 403)) return warning(check, `not asked: ${error.message}`, 'the controllers will ask');
    throw error;
  }
}
