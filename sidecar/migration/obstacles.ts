import type { KubeNode } from '../../k8s/objects/node.ts';
import { type Container, isTrue, type Pod } from '../../k8s/objects/pod.ts';
import { monitorContainer } from '../../lib/contract/pod.ts';
import { pathOf } from '../pods/obstacles.ts';
import { runtimeClass } from './marks.ts';

/** Volumes that the target pod gets anew by its spec; the content of an emptyDir moves with the copy. */
const movableVolumes = ['emptyDir', 'configMap', 'secret', 'projected', 'downwardAPI'];

/** Why the pod can not move at all, in one sentence. `checkpoints`: repository through which pods move as images; undefined: they do not. */
export function podObstacle({ spec, status, metadata }: Pod, checkpoints?: string): string | undefined {
  if (metadata.deletionTimestamp) return 'the pod is being deleted';
  if (status?.phase !== 'Running') return `the pod is ${status?.phase ?? 'not known to a node'}, not Running`;
  const byImage = pathOf({ spec }) === 'image' && checkpoints !== undefined;
  if (spec.runtimeClassName !== runtimeClass && !byImage)
    return `the pod does not run under RuntimeClass ${runtimeClass}, without which it can not be held at the target`;
  const [container, ...others] = spec.containers;
  if (!container || others.length > 0)
    return `the pod has ${spec.containers.length} containers; one can be moved, not several`;
  return (
    sharedObstacle(spec) ??
    sidecarObstacle(spec.initContainers ?? []) ??
    containerObstacle(container) ??
    volumeObstacle(spec) ??
    (byImage ? imageObstacle(spec) : undefined)
  );
}

function sharedObstacle(spec: Pod['spec']): string | undefined {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const).find((name) => spec[name]);
  if (shared) return `the pod has ${shared}, and its processes can not be told from others'`;
  if (spec.resourceClaims?.length) return 'the pod claims devices of its node';
  return undefined;
}

function sidecarObstacle(initContainers: readonly Container[]): string | undefined {
  const sidecar = initContainers.find(
    ({ name, restartPolicy }) => restartPolicy === 'Always' && name !== monitorContainer,
  );
  return sidecar && `the pod has the sidecar ${sidecar.name}, which would start anew at the target`;
}

function containerObstacle({ name, tty, stdin, volumeDevices, resources }: Container): string | undefined {
  if (tty || stdin) return `container ${name} has a terminal or standard input, which can not be handed over`;
  if (volumeDevices?.length) return `container ${name} uses a block device`;
  const device = Object.keys({ ...resources?.limits, ...resources?.requests }).find((one) => one.includes('/'));
  return device && `container ${name} uses ${device}, a device of its node`;
}

function volumeObstacle({ volumes = [] }: Pod['spec']): string | undefined {
  for (const { name, ...source } of volumes) {
    const [kind] = Object.keys(source);
    if (kind && !movableVolumes.includes(kind))
      return `volume ${name} is a ${kind}, which stays with the node or its storage`;
  }
  return undefined;
}

/** What a checkpoint by a kubelet does not hold. */
function imageObstacle({ containers, volumes = [] }: Pod['spec']): string | undefined {
  const mounted = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
  const left = volumes.find((volume) => 'emptyDir' in volume && mounted.includes(volume.name));
  return left && `volume ${left.name} is an emptyDir, whose content moves under RuntimeClass ${runtimeClass} alone`;
}

/** Why the pod can not go to that node, in one sentence. */
export function nodeObstacle(pod: Pod, name: string, node: KubeNode | undefined): string | undefined {
  if (!node) return `the cluster has no node ${name}`;
  if (!isTrue(node, 'Ready')) return `node ${name} is not Ready`;
  if (node.spec?.unschedulable) return `node ${name} is cordoned`;
  const labels = { ...node.metadata.labels, 'metadata.name': name };
  return selectorObstacle(pod, name, labels) ?? taintObstacle(pod, name, node);
}

type Labels = Readonly<Record<string, string>>;

function selectorObstacle({ spec }: Pod, name: string, labels: Labels): string | undefined {
  const unmet = Object.entries(spec.nodeSelector ?? {}).find(([key, value]) => labels[key] !== value);
  if (unmet) return `the pod's nodeSelector asks for ${unmet.join('=')}, which node ${name} does not have`;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (
    terms &&
    !terms.some((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].every((one) => meets(labels, one)),
    )
  )
    return `the pod's node affinity does not allow node ${name}`;
  return undefined;
}

/** Operators of `NodeSelectorRequirement`; an unknown one is met by no node. */
function meets(
  labels: Labels,
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] | undefined },
): boolean {
  const label = labels[key];
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    case 'Gt':
      return label !== undefined && Number(label) > Number(values[0]);
    case 'Lt':
      return label !== undefined && Number(label) < Number(values[0]);
    default:
      return false;
  }
}

function taintObstacle({ spec }: Pod, name: string, node: KubeNode): string | undefined {
  const tolerated = (key: string, value: string, effect: string): boolean =>
    (spec.tolerations ?? []).some(
      (one) =>
        (!one.effect || one.effect === effect) &&
        (!one.key || one.key === key) &&
        (one.operator === 'Exists' || (one.key !== undefined && (one.value ?? '') === value)),
    );
  const taint = (node.spec?.taints ?? []).find(
    ({ key, value, effect }) => effect !== 'PreferNoSchedule' && !tolerated(key, value ?? '', effect),
  );
  return taint && `the pod does not tolerate the taint ${taint.key}:${taint.effect} of node ${name}`;
}
