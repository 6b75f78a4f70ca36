import type { Container, Pod } from '../../k8s/objects/pod.ts';
import { inboundMarks } from '../../lib/contract/pod.ts';
import { cutoverGate, handOverMarks, migrationLabel } from './marks.ts';
import { controllerOf } from './owners.ts';

export interface TargetPodOptions {
  migration: string;
  workload: string;
  /** Node on which it is to run. */
  node: string;
  /** Labels that it gets only when its owner may count it. */
  ownerLabels: Readonly<Record<string, string>>;
  /** Its container is restored from this one, once: whatever ends is not started again from there. */
  image?: string;
}

/** The target pod as it is to be created. */
export interface NewPod {
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: Pod['spec'];
}

/** Room for a host name of 63 characters. */
const longestBase = 53;

/** `<pod>-m<8 of the id>`, however often it has moved before: the same migration finds its pod again. */
export function targetPodName(pod: string, migration: string): string {
  const base = pod
    .replace(/-m[0-9a-f]{8}$/, '')
    .slice(0, longestBase)
    .replace(/[-.]+$/, '');
  return `${base}-m${migration.replace(/[^0-9a-f]/g, '').slice(0, 8)}`;
}

/** Set by the API server, by admission or for the source's node alone; admission sets them anew. */
const droppedFields = [
  'priority',
  'preemptionPolicy',
  'overhead',
  'ephemeralContainers',
  'schedulingGates',
  'serviceAccount',
];
const droppedAnnotations = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'controller.kubernetes.io/pod-deletion-cost',
];
const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The pod that takes the copy in: the source's spec on the other node, with the very image that the source runs. Its init containers
 * have done their work, and it goes by the source's host name, which the processes know.
 */
export function targetPod(source: Pod, options: TargetPodOptions): NewPod {
  const { migration, workload, node, ownerLabels, image } = options;
  const { name, namespace = 'default', labels = {}, annotations = {} } = source.metadata;
  const owner = controllerOf(source);
  return {
    metadata: {
      name: targetPodName(name, migration),
      namespace,
      labels: { ...without(labels, Object.keys(ownerLabels)), [migrationLabel]: migration },
      annotations: {
        ...without(annotations, [...droppedAnnotations, ...Object.values(handOverMarks)]),
        [inboundMarks.migration]: migration,
        [inboundMarks.workload]: workload,
        [inboundMarks.container]: source.spec.containers[0]?.name ?? '',
        [inboundMarks.home]: annotations[inboundMarks.home] ?? source.spec.nodeName ?? node,
        ...(owner && {
          [handOverMarks.owner]: JSON.stringify(owner),
          [handOverMarks.labels]: JSON.stringify(ownerLabels),
        }),
      },
    },
    spec: image === undefined ? targetSpec(source, node) : fromImage(targetSpec(source, node), image),
  };
}

function targetSpec({ spec, status, metadata }: Pod, nodeName: string): Pod['spec'] {
  const { initContainers: _, hostname: given, ...rest } = without(spec, droppedFields) as Pod['spec'];
  const hostname = given ?? hostnameOf(metadata.name);
  const tokens = tokenVolumes(spec);
  const mounted = spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
  const gates = (spec.readinessGates ?? []).filter(({ conditionType }) => conditionType !== cutoverGate);
  return {
    ...rest,
    nodeName,
    ...(hostname !== undefined && { hostname }),
    readinessGates: [...gates, { conditionType: cutoverGate }],
    containers: spec.containers.map((container) => ({
      ...withImage(container, status?.containerStatuses?.find((one) => one.name === container.name)?.imageID),
      ...(container.volumeMounts && {
        volumeMounts: container.volumeMounts.filter((mount) => !tokens.includes(mount.name)),
      }),
    })),
    ...(spec.volumes && {
      // those of init containers and sidecars are not needed, or come with them
      volumes: spec.volumes.filter(({ name }) => mounted.includes(name) && !tokens.includes(name)),
    }),
  };
}

function fromImage(spec: Pod['spec'], image: string): Pod['spec'] {
  const containers = spec.containers.map((container) => ({ ...container, image, imagePullPolicy: 'IfNotPresent' }));
  return { ...spec, restartPolicy: 'Never', containers };
}

/** What the kubelet calls the pod's host, where that can be asked for by its spec. */
function hostnameOf(name: string): string | undefined {
  const cut = name.slice(0, 63).replace(/[-.]+$/, '');
  return cut.includes('.') ? undefined : cut;
}

/** A tag may lead to another image by now. */
function withImage(container: Container, imageId: string | undefined): Container {
  return imageId?.includes('@sha256:') && !imageId.includes('://') ? { ...container, image: imageId } : container;
}

/** Volumes that admission has added for the account's token: a projected one, mounted at the well-known path alone. */
function tokenVolumes({ containers, initContainers = [], volumes = [] }: Pod['spec']): string[] {
  const mounts = [...containers, ...initContainers].flatMap(({ volumeMounts = [] }) => volumeMounts);
  return volumes
    .filter((volume) => volume.name.startsWith('kube-api-access-') && 'projected' in volume)
    .map(({ name }) => name)
    .filter((name) => mounts.every((mount) => mount.name !== name || mount.mountPath === accountPath));
}

function without<T extends object>(object: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name))) as T;
}
