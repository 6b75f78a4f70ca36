import type { EventRecorder, KubeEvent } from '../../k8s/events.ts';
import { resources } from '../../k8s/resource.ts';
import { isWorkload, type Pod } from '../pods/pod.ts';
import { declines, hasSidecar } from './pod.ts';

/**
 * Those that nobody samples, of the pods of a node with sidecars. One that was admitted while nobody injected has no sidecar, and gets
 * none later. One that declines is left out: it was asked for.
 */
export const withoutSidecar = (pods: readonly Pod[]): Pod[] =>
  pods.filter(
    (pod) => isWorkload(pod) && pod.metadata.deletionTimestamp === undefined && !hasSidecar(pod) && !declines(pod),
  );

const remedy = 'make it anew in a namespace with godwit.dev/inject=enabled, or set monitoring: node at its EdgeNode';
const event: KubeEvent = {
  type: 'Warning',
  reason: 'NoSidecar',
  action: 'Monitor',
  note: `nobody samples it, for it was admitted without a sidecar: ${remedy}`,
};

/** Tells of each such pod of a node once, however often it is called. */
export type TellUnmonitored = (node: string, pods: readonly Pod[]) => Promise<void>;

export function unmonitoredTeller(recorder: EventRecorder): TellUnmonitored {
  const told = new Map<string, ReadonlySet<string>>();
  return async (node, pods) => {
    const before = told.get(node);
    told.set(node, new Set(pods.map(({ metadata }) => metadata.uid)));
    for (const { metadata } of pods)
      if (!before?.has(metadata.uid)) await recorder.record(resources.pods, metadata, event);
  };
}
