import { podContainerOf } from '../lib/cri.ts';
import type { ContainerSource } from './container-set.ts';
import { listContainers, readState } from './runc-root.ts';

/** Their pods are never workloads; what they use is part of the node's own use. */
const systemNamespaces: readonly string[] = ['kube-system', 'godwit-system'];

/** The containers of pods under containerd's root of runc (/run/containerd/runc/k8s.io), each under its workload's name. */
export const podContainers = (root: string): ContainerSource => ({
  list: () => listContainers(root),
  identify: (id) => {
    const { annotations, cgroupPaths } = readState(root, id);
    const found = podContainerOf(annotations);
    if (!found || systemNamespaces.includes(found.namespace)) return undefined;
    return { workload: found.workload, paths: cgroupPaths };
  },
});
