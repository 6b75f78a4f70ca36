import { sidecarOf, sidecarVolumes } from './container.ts';
import { declines, hasSidecar, type InjectablePod, mayRunOn } from './pod.ts';
import type { InjectionSettings } from './settings.ts';

/** An operation of RFC 6902. */
export interface Operation {
  op: 'add';
  path: string;
  value: unknown;
}

/** What a new pod lacks of the sidecar; nothing where it is to have none, or has one. */
export function patchOf(pod: InjectablePod, { image, nodes }: InjectionSettings): Operation[] {
  if (hasSidecar(pod) || declines(pod) || !mayRunOn(pod, nodes)) return [];
  const add = (path: string, value: unknown): Operation => ({ op: 'add', path, value });
  return [
    ...(pod.spec.initContainers ? [] : [add('/spec/initContainers', [])]),
    ...(pod.spec.volumes ? [] : [add('/spec/volumes', [])]),
    ...sidecarVolumes.map((volume) => add('/spec/volumes/-', volume)),
    add('/spec/initContainers/0', sidecarOf(image)),
  ];
}
