import type { EdgeNode } from '../../k8s/objects/edge-node.ts';
import type { RequestedStrategy } from '../../lib/contract/names.ts';
import { obstacleTo, pathOf, strategyFor } from '../../sidecar/pods/obstacles.ts';
import { isWorkload, type Pod } from '../../sidecar/pods/pod.ts';
import { type Annotated, readSettings } from '../../sidecar/pods/settings.ts';
import { type Finding, fault, ok, warning } from '../doctor/check.ts';
import { clusterProgram } from './cluster.ts';

/** What is known before a pod is asked to move. */
export interface MoveFacts {
  pod: Pod;
  /** Its controllers, nearest first. */
  owners: readonly Annotated[];
  target: { name: string; ready: boolean };
  /** Asked for; `auto` goes by the annotations. */
  strategy: RequestedStrategy;
  edgeNodes: readonly EdgeNode[];
}

/** What its spec and the nodes say of the move; a `fault` is a reason why it would be refused. */
export function judgeMove(facts: MoveFacts): Finding[] {
  return [podFinding(facts), nodeFinding(facts), targetFinding(facts)].flat();
}

function podFinding({ pod, owners, strategy: asked }: MoveFacts): Finding[] {
  const { metadata, spec, status } = pod;
  const check = `pod ${metadata.namespace}/${metadata.name}`;
  const [container] = spec.containers;
  if (!isWorkload(pod) || !container)
    return [
      fault(check, 'it is no workload', 'pods of DaemonSets, of nodes and of system namespaces stay where they are'),
    ];
  if (status.phase !== 'Running')
    return [fault(check, `it is ${status.phase ?? 'not there yet'}`, 'wait until it is Running')];
  const own = { kind: 'Pod', name: metadata.name, annotations: metadata.annotations };
  const settings = readSettings([own, ...owners]);
  const strategy = strategyFor(asked === 'auto' ? settings.strategy : asked, settings.keeps);
  const obstacle = obstacleTo(pod, container, strategy);
  const faults = settings.faults.map((text) => warning(check, text, 'correct the annotation'));
  if (strategy === 'warm' && pathOf(pod) === 'image' && obstacleTo(pod, container, strategy, 'any') === undefined)
    return [warning(check, 'without RuntimeClass godwit it moves as an image alone', asImage), ...faults];
  if (obstacle === undefined) return [ok(check, `nothing in its spec speaks against strategy ${strategy}`), ...faults];
  return [fault(check, `strategy ${strategy}: ${obstacle}`, 'remove the obstacle, or use another strategy'), ...faults];
}

const asImage = 'the controllers need a repository, checkpoints in controller.yaml, or the pod that RuntimeClass';

function nodeFinding({ pod, edgeNodes }: MoveFacts): Finding {
  const name = pod.spec.nodeName ?? '';
  const check = `source ${name || 'node'}`;
  if (!name) return fault(check, 'the pod is on no node yet', 'wait until it is Running');
  if (hasEdgeNode(edgeNodes, name)) return ok(check, 'it has an EdgeNode');
  return fault(check, 'it has no EdgeNode, so that its pods are no workloads', noEdgeNode);
}

function targetFinding({ pod, target: { name, ready }, edgeNodes }: MoveFacts): Finding {
  const check = `target ${name}`;
  if (pod.spec.nodeName === name) return fault(check, 'the pod runs there already', 'name another node');
  if (!ready) return fault(check, 'it is not ready', `kubectl describe node ${name}`);
  if (hasEdgeNode(edgeNodes, name)) return ok(check, 'ready, and it has an EdgeNode');
  return fault(check, 'it has no EdgeNode, so that nothing there takes a copy in', noEdgeNode);
}

const noEdgeNode = `kubectl apply an EdgeNode of its name; ${clusterProgram} get nodes lists them`;

const hasEdgeNode = (edgeNodes: readonly EdgeNode[], name: string): boolean =>
  edgeNodes.some(({ metadata }) => metadata.name === name);
