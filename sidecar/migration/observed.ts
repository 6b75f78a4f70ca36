import type { Migration } from '../../k8s/objects/migration.ts';
import type { KubeNode } from '../../k8s/objects/node.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Owner } from './owners.ts';
import type { Progress } from './progress.ts';

/** What the API server says of an eviction that it only tries. */
export type Eviction = { allowed: true } | { allowed: false; reason: string };

/** What the API server has answered; a new leader asks again. */
export interface Answers {
  eviction?: Eviction | undefined;
  /** Why it takes no such target pod. */
  creation?: string | undefined;
  /** It would take one. */
  tried?: true | undefined;
}

/** All that is known of one Migration object at a moment. */
export interface Observed extends Answers {
  migration: Migration;
  /** Further ones of its namespace that have not ended. */
  others: readonly Migration[];
  /** The one whose id it has taken. */
  namesake: Migration | undefined;
  /** The pod that the spec names. */
  source: Pod | undefined;
  /** The pod that was created for the copy. */
  target: Pod | undefined;
  /** Node to which it is to go. */
  node: KubeNode | undefined;
  /** Of the source pod, or as the target pod remembers it; undefined when it is gone, or there is none. */
  owner: Owner | undefined;
  records: { source: NodeRecord | undefined; target: NodeRecord | undefined };
  /** Repository through which pods move as images; undefined: they do not. */
  checkpoints: string | undefined;
  /** Undefined: no event yet. */
  progress: Progress | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}
