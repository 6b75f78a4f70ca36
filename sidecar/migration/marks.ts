import { inboundMarks } from '../../lib/contract/pod.ts';

/** Condition that a target pod's readiness waits for: set when the copy runs. */
export const cutoverGate = 'godwit.dev/cutover';

/** Keeps a Migration until it has ended. */
export const finalizer = 'godwit.dev/migration';

/** Label of target pods, by which they are found again; its value is the migration's id. */
export const migrationLabel = inboundMarks.migration;

/** Annotations of a target pod: what it gets, and from whom, when it takes the source's place. */
export const handOverMarks = {
  /** The controller of the source pod, JSON of `OwnerReference`. */
  owner: 'godwit.dev/owner',
  /** Labels by which the owner will know the pod, JSON; until then it has none of them. */
  labels: 'godwit.dev/owner-labels',
} as const;
