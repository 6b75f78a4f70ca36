import { isDraining, type Journal } from '../agent/journal.ts';

/** What godwit-runtime is told; see migrator/runtime/agent.go. */
export type RuntimeAnswer =
  | { do: 'create' }
  | { do: 'refuse'; reason: string }
  | { do: 'restore'; args: readonly string[]; env: readonly string[]; pidFile: string; statusFile: string };

const refuse = (reason: string): RuntimeAnswer => ({ do: 'refuse', reason });

/**
 * What becomes of a container that a kubelet wants to create in a pod which takes in a migration; `undefined`: it waits for its copy.
 * Pure. `boot`: this one.
 */
export function judge(journal: Journal | undefined, container: string, boot: string): RuntimeAnswer | undefined {
  if (!journal) return undefined;
  if (journal.role !== 'target') return refuse(`migration ${journal.migration} was given up`);
  if (journal.destroyed) return refuse(`migration ${journal.migration} was rolled back`);
  if (journal.ended) return { do: 'create' };
  if (journal.lost)
    return refuse(`the memory of ${journal.workload} was lost on its way: godwit resolve ${journal.migration}`);
  if (journal.boot !== boot) return refuse('the node was restarted; the source is asked first');
  if (isDraining(journal, journal.workload)) return refuse(`pages of ${journal.workload} were still to come`);
  if (journal.runningAt !== undefined || journal.letGo) return { do: 'create' };
  if (journal.pod && journal.pod.container !== container)
    return refuse(`migration ${journal.migration} was prepared for an earlier container`);
  return undefined;
}
