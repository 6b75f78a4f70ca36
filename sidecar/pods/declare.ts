import { inboundMarks, type PodDeclaration, podDeclarationSchema } from '../../lib/contract/pod.ts';
import { describeFaults } from '../../lib/parse.ts';
import { obstacleTo, pathOf, strategyFor } from './obstacles.ts';
import { imageOf, isWorkload, type Pod, type PodContainerSpec } from './pod.ts';
import { parseQuantity } from './quantity.ts';
import { type Annotated, readSettings } from './settings.ts';

export interface Declared {
  /** Absent where the pod is no workload. */
  declaration?: PodDeclaration;
  /** What is written wrong in annotations, one sentence each. */
  faults: string[];
}

/** What agent and decider have to know of a pod on an EdgeNode. `owners`: its controllers, nearest first. `checkpoints`: as for `obstacleTo`. */
export function declarePod(pod: Pod, owners: readonly Annotated[], checkpoints?: string): Declared {
  const { metadata, spec } = pod;
  const [container] = spec.containers;
  if (!isWorkload(pod) || spec.nodeName === undefined || !container) return { faults: [] };
  const own = { kind: 'Pod', name: metadata.name, annotations: metadata.annotations };
  const { migrate, strategy, keeps, faults } = readSettings([own, ...owners]);
  const workload = metadata.annotations[inboundMarks.workload] ?? `${metadata.namespace}.${metadata.name}`;
  if (!workload.startsWith(`${metadata.namespace}.`)) {
    const fault = `Pod ${metadata.name} can not be a workload: metadata.annotations[${inboundMarks.workload}]: expected a name in its own namespace, ${metadata.namespace}.…, received ${JSON.stringify(workload)}`;
    return { faults: [...faults, fault] };
  }
  const obstacle = obstacleTo(pod, container, strategyFor(strategy, keeps), checkpoints);
  const cores = requestOf(pod, container, 'cpu');
  const memoryBytes = requestOf(pod, container, 'memory');
  const parsed = podDeclarationSchema.safeParse({
    name: workload,
    home: metadata.annotations[inboundMarks.home] ?? spec.nodeName,
    uid: metadata.uid,
    namespace: metadata.namespace,
    pod: metadata.name,
    container: container.name,
    image: imageOf(pod, container),
    keeps,
    strategy,
    migrate,
    priority: spec.priority,
    ...(checkpoints !== undefined && pathOf(pod) === 'image' && { checkpoints }),
    ...(obstacle !== undefined && { obstacle }),
    ...(cores !== undefined && { requestedCores: cores }),
    ...(memoryBytes !== undefined && { requestedMemoryBytes: Math.ceil(memoryBytes) }),
  });
  if (parsed.success) return { declaration: parsed.data, faults };
  return { faults: [...faults, `Pod ${metadata.name} can not be a workload: ${describeFaults(parsed.error)}`] };
}

/** The container's request, or that of the whole pod, whose only container it is. */
function requestOf({ spec }: Pod, { resources }: PodContainerSpec, name: 'cpu' | 'memory'): number | undefined {
  const text = resources.requests[name] ?? spec.resources.requests[name];
  return text === undefined ? undefined : parseQuantity(text);
}
