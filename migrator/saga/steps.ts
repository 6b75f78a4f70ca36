import type { Verb } from '../../lib/contract/agent.ts';
import type { Stage } from '../../lib/contract/migration.ts';
import type { SagaState, SagaStep } from '../../lib/contract/saga.ts';
import type { ActiveStep, Role, VerbReply } from './types.ts';

/**
 * What the saga does when it asks and what follows.
 *
 * Why there is never a second live copy: the source's agent turns its record once, to `committed` or to `aborted`.
 * - The target's copy runs only by `run`, and `run` follows only an answer that says `committed`.
 * - The source's copy runs again only by `undo-source`, which thaws only under `aborted`, or by `thaw`, which follows only the
 *   target's attestation that its copy is destroyed and none will come, or a person's that the target is gone for good.
 * - The source's copy ends only by `release`, which follows only `run`.
 * Why there is never none in silence: a step without an answer is asked again for ever once the commit was asked, and said so.
 */
export interface Rule {
  role: Role;
  verb: Verb;
  /** Absent: the stage stays the one that was given up. */
  stage?: Stage;
  /** A stage that the verb covers as well, reported with its answer. */
  covers?: Stage;
  /** Absent: as before. */
  direction?: 'forward' | 'backward' | 'in-doubt';
  /** The next step; the same one: ask again. */
  answered: SagaStep | ((state: SagaState, reply: VerbReply) => SagaStep);
  failed: SagaStep;
  unanswered: 'again-until-deadline' | 'in-doubt-and-again' | 'again';
  /** Past this step the outcome is settled; a node that does not answer delays only the clean-up. */
  settled?: true;
  /** Inside the freeze the state is stored while the verb is under way: the store is then at most one step behind the agents. */
  storedFirst: boolean;
}

/** Nothing is stopped yet: a failure ends it at once. */
const preparation = {
  direction: 'forward',
  failed: 'undo-target',
  unanswered: 'again-until-deadline',
  storedFirst: true,
} as const;
/** The source is stopped, or may be: a failure asks its record. */
const frozen = {
  direction: 'forward',
  failed: 'undo-source',
  unanswered: 'again-until-deadline',
  storedFirst: false,
} as const;
const moved = { direction: 'forward', stage: 'release', unanswered: 'again', storedFirst: true } as const;
const tail = { unanswered: 'again', settled: true, storedFirst: true } as const;

// biome-ignore format: a table
export const rules: Record<ActiveStep, Rule> = {
  // Forward, with the way back open.
  prepare: { ...preparation, role: 'source', verb: 'prepare', stage: 'prepare', answered: 'receive' },
  receive: { ...preparation, role: 'target', verb: 'receive', stage: 'prepare', answered: 'freeze' },
  freeze:  { ...frozen, role: 'source', verb: 'freeze', stage: 'freeze', answered: 'dump', storedFirst: true },
  dump:    { ...frozen, role: 'source', verb: 'dump', stage: 'dump', covers: 'transfer', answered: 'restore' },
  restore: { ...frozen, role: 'target', verb: 'restore', stage: 'restore', answered: 'commit' },
  commit:  { ...frozen, role: 'source', verb: 'commit', stage: 'commit', answered: recorded, unanswered: 'in-doubt-and-again' },

  // The record is `committed`: only the target may run, unless it attests that it never will.
  run:     { ...frozen, role: 'target', verb: 'run', stage: 'run', answered: 'switch', failed: 'destroy', unanswered: 'in-doubt-and-again' },
  destroy: { ...frozen, role: 'target', verb: 'abort', stage: 'run', answered: attested, failed: 'run', unanswered: 'again', direction: 'in-doubt' },
  thaw:    { ...frozen, role: 'source', verb: 'abort', stage: 'run', answered: 'clean-source', failed: 'thaw', unanswered: 'again', direction: 'backward' },

  // The target runs. A silent source must not keep the driver from watching the drain; `release` ends what `switch` would have.
  switch:  { ...moved, role: 'source', verb: 'switch', stage: 'switch', answered: 'drain', failed: 'drain', unanswered: 'again-until-deadline', storedFirst: false },
  // The source stays frozen until the target has every page.
  drain:   { ...moved, role: 'target', verb: 'status', answered: drained, failed: 'drain' },
  release: { ...moved, role: 'source', verb: 'release', answered: 'clean-source', failed: 'release' },

  // Backward. The source's record decides, whatever the driver believed.
  'undo-source': { ...frozen, role: 'source', verb: 'abort', answered: undone, unanswered: 'again', direction: 'backward' },

  // The outcome is settled.
  'undo-target':  { ...tail, role: 'target', verb: 'abort', answered: 'clean-source', failed: 'undo-target', direction: 'backward' },
  'clean-source': { ...tail, role: 'source', verb: 'clean', stage: 'clean', answered: 'clean-target', failed: 'clean-source' },
  'clean-target': { ...tail, role: 'target', verb: 'clean', stage: 'clean', answered: 'end', failed: 'clean-target' },
};

/** Steps that still may be given up without asking the record. */
export const beforeCommit: ReadonlySet<SagaStep> = new Set(['prepare', 'receive', 'freeze', 'dump', 'restore']);

function recorded(state: SagaState): SagaStep {
  return state.record === 'committed' ? 'run' : 'undo-source';
}

function attested(_: SagaState, reply: VerbReply): SagaStep {
  return reply.verb === 'abort' && reply.result.attestation === 'destroyed' ? 'thaw' : 'run';
}

function drained(state: SagaState, reply: VerbReply): SagaStep {
  if (isLost(state, reply)) return 'end';
  return isComplete(state, reply) ? 'release' : 'drain';
}

/** After a takeover it may be unknown whether the restore was lazy: then only the target's word counts. */
function isComplete({ measurements }: SagaState, reply: VerbReply): boolean {
  return measurements.lazy === false || (reply.verb === 'status' && reply.result.drained === true);
}

/** The page daemon died, or the copy ended, before its pages were in. */
export function isLost(state: SagaState, reply: VerbReply): boolean {
  if (reply.verb !== 'status' || isComplete(state, reply)) return false;
  const { lost, copy } = reply.result;
  return lost === true || copy === 'none' || copy === 'stopped';
}

function undone(state: SagaState, reply: VerbReply): SagaStep {
  // committed and running: the target's copy was attested to be gone
  if (state.record === 'committed' && !(reply.verb === 'abort' && reply.result.running)) return 'run';
  const open = reply.verb === 'abort' && reply.result.record === 'open';
  return open ? 'undo-source' : 'undo-target';
}
