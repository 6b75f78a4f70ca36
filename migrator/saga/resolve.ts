import type { Resolution, SagaState, SagaStep } from '../../lib/contract/saga.ts';
import { enter } from './enter.ts';
import { nodeOf } from './outcome.ts';
import { rules } from './steps.ts';
import type { ActiveStep, ResolveEvent, SagaContext, Transition } from './types.ts';

/** Steps at which a node that does not come back leaves a migration for ever. */
const stuck: ReadonlySet<SagaStep> = new Set([
  'commit',
  'run',
  'destroy',
  'thaw',
  'switch',
  'drain',
  'release',
  'undo-source',
]);

export const isResolvable = ({ result, step }: SagaState): boolean => result === 'lost' || stuck.has(step);

/**
 * A person decides, and the saga goes on in the next term by the steps that it has for this: to keep the source, the target's copy is
 * destroyed first, or its node attested to be dead; to keep the target, the record says `committed`, or its node is attested to be dead.
 * Nothing happens when the migration has been settled meanwhile.
 */
export function resolve(before: SagaState, event: ResolveEvent, context: SagaContext): Transition {
  const { keep, dead, at, driver } = event;
  const record = event.record === 'committed' ? event.record : before.record;
  if (!isResolvable(before) || dead === keep) return { state: before, commands: [] };
  if (keep === 'target' && record !== 'committed' && dead !== 'source') return { state: before, commands: [] };
  const { result, resolution: former, ...rest } = before;
  const anew = result === 'lost' || former?.anew === true;
  const resolution: Resolution = { keep, ...(dead && { dead }), anew, term: before.term + 1 };
  const state: SagaState = {
    ...rest,
    ...(record && { record }),
    direction: 'in-doubt',
    term: before.term + 1,
    driver,
    resolution,
    reason: reasonOf(before, resolution),
    updatedAt: at,
  };
  return enter(state, firstStep(state, resolution), at, context);
}

/** While the record is not known to be committed, the source's agent is asked to abort: only its answer tells. */
function firstStep({ record }: SagaState, { keep, dead }: Resolution): ActiveStep {
  if (keep === 'target') return 'run';
  if (dead === 'target') return 'thaw';
  return record === 'committed' ? 'destroy' : 'undo-source';
}

function reasonOf({ command, reason }: SagaState, { keep, dead }: Resolution): string {
  const word = dead ? `, ${command[dead]} attested to be dead` : '';
  const settled = `settled by a person: ${command[keep]} is kept${word}`;
  return reason ? `${settled}; before: ${reason.replace(/^settled by a person: .*?; before: /, '')}` : settled;
}

/** What follows a step that a dead node can not do. */
const past: Partial<Record<SagaStep, SagaStep>> = {
  thaw: 'clean-source',
  switch: 'drain',
  release: 'clean-source',
  'undo-target': 'clean-source',
  'clean-source': 'clean-target',
  'clean-target': 'end',
};

/** Passes over the steps of a node that a person has attested to be dead. */
export function passDead(state: SagaState, next: SagaStep): { state: SagaState; next: SagaStep } {
  const after = past[next];
  if (!after || rules[next as ActiveStep].role !== state.resolution?.dead) return { state, next };
  return passDead(settledBy(state, next as ActiveStep), after);
}

function settledBy(state: SagaState, passed: ActiveStep): SagaState {
  if (passed === 'release') return { ...state, result: 'succeeded' };
  if (passed !== 'thaw') return state;
  return {
    ...state,
    result: 'failed',
    reason: `no copy runs: ${nodeOf(state, passed)} is dead. ${state.reason ?? ''}`,
  };
}
