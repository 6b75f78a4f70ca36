import { z } from 'zod';
import { monitorContainer } from '../../lib/contract/pod.ts';

/** What injection looks at in a pod; the rest is kept out of sight. */
export const injectablePodSchema = z.object({
  metadata: z
    .object({
      annotations: z.record(z.string(), z.string()).optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .default({}),
  spec: z.object({
    nodeName: z.string().optional(),
    nodeSelector: z.record(z.string(), z.string()).optional(),
    initContainers: z.array(z.object({ name: z.string() })).optional(),
    volumes: z.array(z.unknown()).optional(),
  }),
});
export type InjectablePod = z.infer<typeof injectablePodSchema>;

/** Labels that ask for sidecars in a namespace, and that decline one for a pod. */
export const injectLabel = { name: 'godwit.dev/inject', enabled: 'enabled', disabled: 'disabled' } as const;

export const hasSidecar = ({ spec }: Pick<InjectablePod, 'spec'>): boolean =>
  spec.initContainers?.some(({ name }) => name === monitorContainer) ?? false;

/** Pods that nobody can give a sidecar: those of files on a node, and those that decline. */
export const declines = ({ metadata }: InjectablePod): boolean =>
  metadata.labels?.[injectLabel.name] === injectLabel.disabled ||
  metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

/** The node that a pod names itself, before it is placed on one. */
const namedNode = ({ spec }: InjectablePod): string | undefined =>
  spec.nodeName || spec.nodeSelector?.['kubernetes.io/hostname'];

/** Whether it may come to run on one of the nodes that want sidecars: one that names no node may. */
export function mayRunOn(pod: InjectablePod, nodes: readonly string[]): boolean {
  const named = namedNode(pod);
  return named === undefined ? nodes.length > 0 : nodes.includes(named);
}
