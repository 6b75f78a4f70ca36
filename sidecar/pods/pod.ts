import { z } from 'zod';
import { monitorContainer } from '../../lib/contract/pod.ts';

const quantities = z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).default({});
const resourcesSchema = z.object({ requests: quantities, limits: quantities }).prefault({});

const containerSchema = z.object({
  name: z.string(),
  image: z.string().default(''),
  resources: resourcesSchema,
  volumeMounts: z.array(z.object({ name: z.string() })).default([]),
  volumeDevices: z.array(z.object({ name: z.string() })).default([]),
  stdin: z.boolean().default(false),
  tty: z.boolean().default(false),
  restartPolicy: z.string().optional(),
});
export type PodContainerSpec = z.infer<typeof containerSchema>;

export const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().default(false),
});
export type OwnerReference = z.infer<typeof ownerReferenceSchema>;

/** Those of others only cost memory. */
const ourLabels = z
  .record(z.string(), z.string())
  .default({})
  .transform((all) => Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('godwit.dev/'))));

/** What Godwit reads of a v1 Pod; the rest is dropped, so that a cache of thousands stays small. */
export const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
    labels: ourLabels,
    ownerReferences: z.array(ownerReferenceSchema).default([]),
    deletionTimestamp: z.coerce.string().optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    runtimeClassName: z.string().optional(),
    restartPolicy: z.string().default('Always'),
    priority: z.number().int().default(0),
    hostNetwork: z.boolean().default(false),
    hostPID: z.boolean().default(false),
    hostIPC: z.boolean().default(false),
    shareProcessNamespace: z.boolean().default(false),
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).default([]),
    ephemeralContainers: z.array(z.object({ name: z.string() })).default([]),
    volumes: z.array(z.looseObject({ name: z.string() })).default([]),
    resourceClaims: z.array(z.object({ name: z.string() })).default([]),
    resources: resourcesSchema,
  }),
  status: z
    .object({
      phase: z.string().optional(),
      containerStatuses: z.array(z.object({ name: z.string(), imageID: z.string().default('') })).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof podSchema>;

export const controllerOf = (owned: { ownerReferences: OwnerReference[] }): OwnerReference | undefined =>
  owned.ownerReferences.find(({ controller }) => controller);

/** Namespaces whose pods are never workloads: the cluster's own, and ours. */
const excluded: readonly string[] = ['kube-system', 'godwit-system'];

export const hasEnded = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed';

/** Whether Godwit looks at it at all: pods bound to a node by their nature (of DaemonSets, of the node's own files) are none of its business. */
export function isWorkload(pod: Pod): boolean {
  const { metadata, spec } = pod;
  const owner = controllerOf(metadata)?.kind;
  return (
    spec.nodeName !== undefined &&
    !hasEnded(pod) &&
    !excluded.includes(metadata.namespace) &&
    owner !== 'DaemonSet' &&
    owner !== 'Node'
  );
}

/** Native sidecars: init containers that run as long as the pod, without ours. */
export const foreignSidecars = (pod: Pod): string[] =>
  pod.spec.initContainers
    .filter(({ name, restartPolicy }) => restartPolicy === 'Always' && name !== monitorContainer)
    .map(({ name }) => name);

/** `sha256:…` of the image that the container runs; until that is known, what the spec asks for. */
export function imageOf(pod: Pod, container: PodContainerSpec): string {
  const { imageID = '' } = pod.status.containerStatuses.find(({ name }) => name === container.name) ?? {};
  return /sha256:[0-9a-f]{64}/.exec(imageID)?.[0] ?? container.image;
}
