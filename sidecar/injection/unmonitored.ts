import { z } from 'zod';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { hasSidecar, injectablePodSchema } from './pod.ts';

/** What the check looks at in a pod of the cluster. */
export const placedPodSchema = kubeObjectSchema.extend({
  spec: injectablePodSchema.shape.spec,
  status: z.object({ phase: z.string().optional() }).optional(),
});
export type PlacedPod = z.infer<typeof placedPodSchema>;

interface MonitoredNode {
  metadata: { name: string };
  spec: { monitoring: 'sidecar' | 'node' };
}

/** For the condition `Monitored` of an EdgeNode. */
export interface Monitored {
  status: 'True' | 'False';
  /** One word, in camel case. */
  reason: 'NodeMonitor' | 'Sidecars' | 'PodsWithoutSidecar';
  message: string;
}

const namedAtMost = 5;

/**
 * Whether someone samples each of the node's workloads; `workloads` are the pods there that could be some. A pod that was admitted
 * while nobody injected has no sidecar, and gets none later: it has to be made anew.
 */
export function monitoredOf(node: MonitoredNode, workloads: readonly PlacedPod[]): Monitored {
  if (node.spec.monitoring === 'node')
    return { status: 'True', reason: 'NodeMonitor', message: 'the monitor of the node samples its pods' };
  const without = workloads.filter((pod) => runsOn(pod, node.metadata.name) && !hasSidecar(pod));
  if (without.length === 0) return { status: 'True', reason: 'Sidecars', message: 'every pod has its sidecar' };
  const names = without.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`).sort();
  const rest = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : '';
  return {
    status: 'False',
    reason: 'PodsWithoutSidecar',
    message: `nobody samples ${names.slice(0, namedAtMost).join(', ')}${rest}: make them anew in a namespace with godwit.dev/inject=enabled, or set monitoring: node`,
  };
}

const runsOn = ({ metadata, spec, status }: PlacedPod, node: string): boolean =>
  spec.nodeName === node &&
  metadata.deletionTimestamp === undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed';
