import type { Keeps, RequestedStrategy, Strategy } from '../../lib/contract/names.ts';
import { controllerOf, foreignSidecars, type Pod, type PodContainerSpec } from './pod.ts';

/** Kinds whose controller takes the copy over from what has gone. */
const handedOver: readonly string[] = ['ReplicaSet', 'Job'];

/** RuntimeClass whose handler can take a copy in. */
export const runtimeClass = 'godwit';

const byNeed: Readonly<Record<Keeps, Strategy>> = { nothing: 'restart', files: 'cold', memory: 'warm' };

/** What `auto` comes to. */
export const strategyFor = (strategy: RequestedStrategy, keeps: Keeps): Strategy =>
  strategy === 'auto' ? byNeed[keeps] : strategy;

/** The ways of a pod's memory: by a runtime that waits, or, on nodes as they come, as an image; none for a runtime of somebody else. */
export const pathOf = ({
  spec,
}: {
  spec: { runtimeClassName?: string | undefined };
}): 'runtime' | 'image' | undefined =>
  spec.runtimeClassName === runtimeClass ? 'runtime' : spec.runtimeClassName === undefined ? 'image' : undefined;

/**
 * One sentence why the pod can not move by that strategy; undefined: nothing in its spec speaks against it. This is the one list of them;
 * what its owner, the target node or a look at its processes says is judged apart.
 *
 * No obstacles: initContainers (they have ended, and the copy's pod is made without them), probes (a freeze is shorter than the
 * shortest period, and a restored process answers at once), configMap, secret, projected and downwardAPI volumes (the target's
 * kubelet writes them anew, at the same paths; tokens are fresh there), emptyDir (its contents move with the written files), volumes
 * that only others mount (the copy's pod is made without them). `checkpoints`: repository through which pods move as images; undefined:
 * they do not.
 */
export function obstacleTo(
  pod: Pod,
  container: PodContainerSpec,
  strategy: Strategy,
  checkpoints?: string,
): string | undefined {
  const always = ownerObstacle(pod) ?? shapeObstacle(pod) ?? volumeObstacle(pod, container) ?? deviceObstacle(pod);
  const byPath = always ?? pathObstacle(pod, container, strategy, checkpoints);
  return byPath ?? (strategy === 'warm' ? memoryObstacle(pod, container) : undefined);
}

function pathObstacle(
  pod: Pod,
  container: PodContainerSpec,
  strategy: Strategy,
  checkpoints: string | undefined,
): string | undefined {
  const path = pathOf(pod);
  if (path === 'runtime') return undefined;
  if (path === undefined || checkpoints === undefined)
    return `its runtimeClassName is ${pod.spec.runtimeClassName ?? 'not set'}, not ${runtimeClass}: nothing could hold it back while it moves`;
  if (strategy !== 'warm')
    return `strategy ${strategy} needs runtimeClassName ${runtimeClass}; without it a pod moves with its memory or not at all`;
  return imageObstacle(pod, container);
}

/** What a checkpoint by a kubelet does not hold. */
function imageObstacle({ spec }: Pod, container: PodContainerSpec): string | undefined {
  const mounted = new Set(container.volumeMounts.map(({ name }) => name));
  const left = spec.volumes.find(({ name, ...sources }) => mounted.has(name) && sources.emptyDir !== undefined);
  return left && `volume ${left.name} is an emptyDir, whose content moves under RuntimeClass ${runtimeClass} alone`;
}

/** What can be started anew, but not go on. */
function memoryObstacle({ spec }: Pod, container: PodContainerSpec): string | undefined {
  if (container.tty || container.stdin)
    return `container ${container.name} has ${container.tty ? 'a terminal' : 'stdin'}, which can not be restored elsewhere`;
  if (spec.shareProcessNamespace)
    return 'shareProcessNamespace: its process ids are those of the whole pod, and are taken at the target';
  const [debugging] = spec.ephemeralContainers;
  return debugging && `ephemeral container ${debugging.name} was added to it, and can not move with it`;
}

function ownerObstacle({ metadata, spec }: Pod): string | undefined {
  const owner = controllerOf(metadata);
  if (metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (!owner) return undefined;
  const { kind, name } = owner;
  if (kind === 'StatefulSet') return `StatefulSet ${name} wants it under its own name, which can not exist twice`;
  if (!handedOver.includes(kind)) return `${kind} ${name} controls it, and would not take the copy over`;
  if (kind === 'Job' && spec.restartPolicy === 'Never')
    return `Job ${name} would count its end as a failure, for it has restartPolicy Never; OnFailure would do`;
  return undefined;
}

function shapeObstacle({ spec, ...pod }: Pod): string | undefined {
  const beside = [...spec.containers.slice(1).map(({ name }) => name), ...foreignSidecars({ spec, ...pod })];
  if (beside.length > 0)
    return `it has several containers (${[spec.containers[0]?.name, ...beside].join(', ')}), and one alone can move`;
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).find((field) => spec[field]);
  return shared && `${shared}: it is part of its node`;
}

/** Volumes that the target's kubelet makes anew, or whose contents Godwit carries. */
const movable: readonly string[] = ['configMap', 'secret', 'projected', 'downwardAPI', 'emptyDir'];

const volumeReasons: Readonly<Record<string, string>> = {
  hostPath: 'is a hostPath: its files are those of the node',
  persistentVolumeClaim: 'is a PersistentVolumeClaim, which does not move',
  ephemeral: 'is a PersistentVolumeClaim of its own, which does not move',
};

function volumeObstacle({ spec }: Pod, container: PodContainerSpec): string | undefined {
  const [block] = container.volumeDevices;
  if (block) return `volume ${block.name} is a block device, which does not move`;
  const mounted = new Set(container.volumeMounts.map(({ name }) => name));
  for (const { name, ...sources } of spec.volumes) {
    const kind = Object.keys(sources).find((key) => sources[key] !== undefined) ?? 'emptyDir';
    if (mounted.has(name) && !movable.includes(kind))
      return `volume ${name} ${volumeReasons[kind] ?? `is of kind ${kind}, of which Godwit does not know that it is the same at the target`}`;
  }
  return undefined;
}

const plainResources: readonly string[] = ['cpu', 'memory', 'ephemeral-storage'];

function deviceObstacle({ spec }: Pod): string | undefined {
  const [claim] = spec.resourceClaims;
  if (claim) return `resource claim ${claim.name} gives it a device of its node`;
  const asked = [spec, ...spec.containers].flatMap(({ resources }) => [
    ...Object.keys(resources.requests),
    ...Object.keys(resources.limits),
  ]);
  const device = asked.find((name) => !plainResources.includes(name));
  return device && `it uses ${device} of its node`;
}
