import { inboundMarks, monitorContainer } from './contract/pod.ts';

/** The pod's container that an OCI bundle was made for, by the annotations that containerd's CRI plugin writes into config.json. */
export interface PodContainer {
  namespace: string;
  pod: string;
  uid: string;
  container: string;
  /** `<namespace>.<pod>`, or the name that the workload had before it moved here. */
  workload: string;
  /** Id of the migration that brings it, or brought it. */
  migration?: string;
}

/** Undefined for what is no container of a pod's own: a sandbox, Godwit's sidecar, or a bundle of somebody else. */
export function podContainerOf(annotations: Readonly<Record<string, string>>): PodContainer | undefined {
  const of = (name: string): string | undefined => annotations[`io.kubernetes.cri.${name}`];
  const [namespace, pod, uid, container] = [
    of('sandbox-namespace'),
    of('sandbox-name'),
    of('sandbox-uid'),
    of('container-name'),
  ];
  if (of('container-type') !== 'container' || !namespace || !pod || !uid || !container) return undefined;
  if (container === monitorContainer) return undefined;
  const migration = annotations[inboundMarks.migration];
  const workload = annotations[inboundMarks.workload] ?? `${namespace}.${pod}`;
  return { namespace, pod, uid, container, workload, ...(migration !== undefined && { migration }) };
}
