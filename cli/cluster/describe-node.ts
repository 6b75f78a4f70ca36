import type { EdgeNode } from '../../k8s/objects/edge-node.ts';
import { resources } from '../../k8s/resource.ts';
import { parseAs } from '../../lib/parse.ts';
import { fields, section } from '../describe/text.ts';
import { movable } from '../kinds/workloads.ts';
import { age, bytes } from '../output.ts';
import { unknownName } from '../suggest.ts';
import { type Cluster, clusterProgram } from './cluster.ts';
import { type KubeNode, nodeSchema } from './machine.ts';
import { edgeNodeStatus, listEdgeNodes, versionsOf } from './nodes.ts';
import { type ClusterWorkload, surveyWorkloads } from './workloads.ts';

/** @throws E_UNKNOWN_NODE */
export async function describeNode(cluster: Cluster, name: string, now: number): Promise<string> {
  const [edgeNodes, raw, { workloads }] = await Promise.all([
    listEdgeNodes(cluster),
    cluster.client.get(resources.nodes, { name }),
    surveyWorkloads(cluster, {}),
  ]);
  const edgeNode = edgeNodes.find(({ metadata }) => metadata.name === name);
  if (!edgeNode) {
    const known = edgeNodes.map(({ metadata }) => metadata.name);
    throw unknownName('E_UNKNOWN_NODE', 'EdgeNode', name, known, `${clusterProgram} get nodes`);
  }
  const node = raw && parseAs(nodeSchema, raw, 'Node');
  return nodeText(edgeNode, { node, now, workloads: workloads.filter((workload) => workload.node === name) });
}

export function nodeText(
  edgeNode: EdgeNode,
  { node, workloads, now }: { node: KubeNode | undefined; workloads: readonly ClusterWorkload[]; now: number },
): string {
  const { metadata, spec, status } = edgeNode;
  const uplink = spec.uplinkBytesPerSecond;
  return [
    fields({
      Node: metadata.name,
      Status: edgeNodeStatus(edgeNode),
      Site: spec.site,
      Tier: spec.tier,
      Monitoring: spec.monitoring,
      Cores: spec.capacity?.cores,
      Memory: spec.capacity?.memory,
      Uplink: uplink === undefined ? undefined : `${bytes(uplink)}/s`,
      Kubelet: node?.status.nodeInfo.kubeletVersion,
      Runtime: node?.status.nodeInfo.containerRuntimeVersion,
      Versions: versionsOf(edgeNode),
      Age: age(Date.parse(metadata.creationTimestamp ?? ''), now),
    }),
    section(
      '\nConditions',
      fields(
        Object.fromEntries(
          (status?.conditions ?? []).map((one) => [one.type, `${one.status}, ${one.reason}: ${one.message}`]),
        ),
        '  ',
      ),
    ),
    section(
      '\nWorkloads',
      fields(Object.fromEntries(workloads.map((one) => [`${one.namespace}/${one.pod}`, line(one)])), '  '),
    ),
  ].join('');
}

const line = (workload: ClusterWorkload): string =>
  `keeps ${workload.keeps}, movable: ${movable(workload)}${workload.obstacle ? `, ${workload.obstacle}` : ''}`;

/** @throws E_UNKNOWN_WORKLOAD */
export async function describeWorkload(cluster: Cluster, name: string, now: number): Promise<string> {
  const { namespace } = cluster;
  const { workloads, faults } = await surveyWorkloads(cluster, { namespace });
  const workload = workloads.find(({ pod }) => pod === name);
  if (!workload)
    throw unknownName(
      'E_UNKNOWN_WORKLOAD',
      'workload',
      name,
      workloads.map(({ pod }) => pod),
      `${clusterProgram} get workloads --namespace ${namespace}`,
    );
  const { requestedMemoryBytes: memory } = workload;
  const wrong = faults.filter(({ pod }) => pod.metadata.uid === workload.uid).map(({ fault }) => `  ${fault}\n`);
  return [
    fields({
      Pod: `${workload.namespace}/${workload.pod}`,
      Workload: workload.workload,
      Container: workload.container,
      Node: workload.node,
      Status: workload.phase,
      Home: workload.home,
      Keeps: workload.keeps,
      Strategy: workload.strategy,
      Movable: movable(workload),
      Obstacle: workload.obstacle,
      Image: workload.image,
      Priority: workload.priority,
      'Requested cores': workload.requestedCores,
      'Requested memory': memory === undefined ? undefined : bytes(memory),
      Age: age(Date.parse(workload.createdAt), now),
    }),
    section('\nFaults in annotations', wrong.join('')),
  ].join('');
}
