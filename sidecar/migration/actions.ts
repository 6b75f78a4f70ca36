import type { MigrationStatus } from '../../k8s/objects/migration.ts';

/** What is to be done next; each may be done again. */
export type Action =
  | { kind: 'wait' }
  | { kind: 'ask-eviction' }
  /** Keeps the object until the migration has ended; nothing is done before. */
  | { kind: 'hold' }
  /** Asks whether the API server would take the target pod. */
  | { kind: 'try-target' }
  | { kind: 'create-target' }
  | { kind: 'publish-command' }
  | { kind: 'ask-cancel' }
  | { kind: 'open-gate' }
  /** Tells the owner which of its pods it may spare, and makes the target pod one of them. */
  | { kind: 'adopt'; labels: Record<string, string> }
  /** Nobody is to take the target pod over any more: its owner was deleted without its pods. */
  | { kind: 'release-target' }
  /** Takes these labels off the source, so that its owner lets it go. */
  | { kind: 'disown'; labels: readonly string[] }
  | { kind: 'delete-pod'; pod: 'source' | 'target'; gracePeriodSeconds: number }
  | { kind: 'let-go' };

export interface Plan {
  /** As it is to be, before the action. */
  status: MigrationStatus;
  action: Action;
  /** As it is to be once the action is done; what the action changes is otherwise seen in the cluster. */
  after?: MigrationStatus;
}
