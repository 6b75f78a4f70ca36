import { type Change, createInformer, type Informer, keyOf } from '../../k8s/informer.ts';
import { resources } from '../../k8s/resource.ts';
import type { ControllerTools } from '../controller.ts';
import { type FindOwner, type Owner, type OwnerKind, ownerResources, ownerSchema } from './owners.ts';
import { type Pod, podSchema } from './pod.ts';

export interface PodIndexOptions extends Pick<ControllerTools, 'client' | 'clock' | 'random' | 'log'> {
  /** A pod on the node has come, changed or gone. */
  podChanged(node: string): void;
  ownerChanged(uid: string): void;
}

/** All pods by node, and the controllers above them, as the API server tells them. */
export interface PodIndex {
  on(node: string): Pod[];
  find: FindOwner;
  /** Everything has been seen once. */
  synced(): boolean;
  run(options: { signal: AbortSignal }): Promise<void>;
}

export function createPodIndex({ podChanged, ownerChanged, ...tools }: PodIndexOptions): PodIndex {
  /** By node, then by namespace and name. */
  const nodes = new Map<string, Map<string, Pod>>();
  const placed = new Map<string, string>();

  const unplace = (key: string): void => {
    const node = placed.get(key);
    if (node === undefined) return;
    const pods = nodes.get(node);
    pods?.delete(key);
    if (pods?.size === 0) nodes.delete(node);
    placed.delete(key);
    podChanged(node);
  };

  const place = ({ kind, object }: Change<Pod>): void => {
    const key = keyOf(object.metadata);
    const node = object.spec.nodeName;
    if (kind === 'deleted' || placed.get(key) !== node) unplace(key);
    if (kind === 'deleted' || node === undefined) return;
    const pods = nodes.get(node) ?? new Map<string, Pod>();
    nodes.set(node, pods.set(key, object));
    placed.set(key, node);
    podChanged(node);
  };

  const pods = createInformer({ ...tools, resource: resources.pods, schema: podSchema, onChange: place });
  const owners = Object.fromEntries(
    Object.entries(ownerResources).map(([kind, resource]) => {
      const onChange = ({ object }: Change<Owner>): void => ownerChanged(object.metadata.uid);
      return [kind, createInformer({ ...tools, resource, schema: ownerSchema, onChange })];
    }),
  ) as Record<OwnerKind, Informer<Owner>>;
  const informers = [pods, ...Object.values(owners)];
  return {
    on: (node) => [...(nodes.get(node)?.values() ?? [])],
    find: (kind, key) => owners[kind].get(key),
    synced: () => informers.every((informer) => informer.synced()),
    run: async (options) => {
      await Promise.all(informers.map((informer) => informer.run(options)));
    },
  };
}
