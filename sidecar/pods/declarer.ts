import { isDeepStrictEqual } from 'node:util';
import type { EventRecorder } from '../../k8s/events.ts';
import { resources } from '../../k8s/resource.ts';
import type { Store } from '../../lib/bus/kv.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PodDeclaration, PodDeclarations } from '../../lib/contract/pod.ts';
import { declareNode, type NodeDeclarations } from './declarations.ts';
import type { PodIndex } from './pod-index.ts';

export interface DeclarerOptions {
  store: Pick<Store<PodDeclarations>, 'list' | 'put' | 'delete'>;
  index: Pick<PodIndex, 'on' | 'find'>;
  /** Whether the node has an EdgeNode. */
  isEdgeNode(node: string): boolean;
  /** Repository through which pods move as images. */
  checkpoints?: string | undefined;
  recorder: EventRecorder;
  clock: Clock;
}

export interface Declarer {
  /** Reads what an earlier leader has written; returns the nodes. */
  recall(): Promise<string[]>;
  /** Brings the node's key in the bucket to what its pods declare; without an EdgeNode there is none. */
  declare(node: string): Promise<void>;
  /** How many workloads the node has. */
  count(node: string): number;
  /** Nodes whose declarations depend on that owner. */
  below(owner: string): string[];
}

/** Writes the bucket `pods`, only what has changed. */
export function createDeclarer({ store, index, isEdgeNode, checkpoints, recorder, clock }: DeclarerOptions): Declarer {
  const written = new Map<string, PodDeclaration[]>();
  const owners = new Map<string, ReadonlySet<string>>();
  const told = new Map<string, ReadonlySet<string>>();

  const retract = async (node: string): Promise<void> => {
    if (written.has(node)) await store.delete(node);
    for (const all of [written, owners, told]) all.delete(node);
  };

  const write = async (node: string, pods: PodDeclaration[]): Promise<void> => {
    if (isDeepStrictEqual(written.get(node), pods)) return;
    await store.put(node, { pods, updatedAt: clock.now() });
    written.set(node, pods);
  };

  const tell = async (node: string, faults: NodeDeclarations['faults']): Promise<void> => {
    const before = told.get(node);
    told.set(node, new Set(faults.map(({ pod, fault }) => `${pod.metadata.uid} ${fault}`)));
    for (const { pod, fault } of faults) {
      if (before?.has(`${pod.metadata.uid} ${fault}`)) continue;
      const event = { type: 'Warning', reason: 'BadAnnotation', action: 'Declare', note: fault } as const;
      await recorder.record(resources.pods, pod.metadata, event);
    }
  };

  return {
    recall: async () => {
      for (const { key, value } of await store.list()) written.set(key, value.pods);
      return [...written.keys()];
    },
    declare: async (node) => {
      if (!isEdgeNode(node)) return retract(node);
      const found = declareNode(index.on(node), index.find, checkpoints);
      owners.set(node, found.owners);
      await write(node, found.declarations);
      await tell(node, found.faults);
    },
    count: (node) => written.get(node)?.length ?? 0,
    below: (owner) => [...owners].flatMap(([node, uids]) => (uids.has(owner) ? [node] : [])),
  };
}
