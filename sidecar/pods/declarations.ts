import type { PodDeclaration } from '../../lib/contract/pod.ts';
import { declarePod } from './declare.ts';
import { type FindOwner, ownersOf } from './owners.ts';
import type { Pod } from './pod.ts';

export interface NodeDeclarations {
  /** By name. */
  declarations: PodDeclaration[];
  /** What is written wrong in annotations, pod by pod. */
  faults: { pod: Pod; fault: string }[];
  /** Uids of all owners whose change may change this. */
  owners: Set<string>;
}

/**
 * What the pods of one node declare. One whose owner has not been seen waits for it: the owner may say that it is to be left alone, and
 * informers of different kinds do not keep the order in which things were made. `checkpoints`: repository through which pods move as images.
 */
export function declareNode(pods: Iterable<Pod>, find: FindOwner, checkpoints?: string): NodeDeclarations {
  const found: NodeDeclarations = { declarations: [], faults: [], owners: new Set() };
  for (const pod of pods) {
    const { levels, uids, missing } = ownersOf(pod.metadata, find);
    for (const uid of uids) found.owners.add(uid);
    if (missing) continue;
    const { declaration, faults } = declarePod(pod, levels, checkpoints);
    if (declaration) found.declarations.push(declaration);
    for (const fault of faults) found.faults.push({ pod, fault });
  }
  found.declarations.sort((a, b) => a.name.localeCompare(b.name) || a.uid.localeCompare(b.uid));
  return found;
}
