import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import type { SagaCommand } from './types.ts';

type EventStage = MigrationEvent['stage'];

/** What the outside is told that the migration is doing. */
export function announced(state: SagaState): EventStage {
  switch (state.direction) {
    case 'forward':
      return state.stage;
    case 'backward':
      return 'aborting';
    case 'in-doubt':
      return 'in-doubt';
    case 'ended':
      return 'ended';
  }
}

/**
 * The event's id makes the stream keep it once per term. The end has the same id in every term: whoever finds it settled may
 * tell it again; only a lost migration that a person has settled ends a second time. A migration can come into doubt at two stages
 * of one term.
 */
export function publishOf(state: SagaState, stage: EventStage = announced(state)): SagaCommand {
  const { command, term, reason, measurements } = state;
  const { id, workload, source, target, trigger, decision, epoch } = command;
  const doubt = stage === 'in-doubt' ? `-${state.stage}` : '';
  return {
    kind: 'publish',
    id:
      stage === 'ended'
        ? `${id}.${state.resolution ? `settled.${state.resolution.term}` : 'ended'}`
        : `${id}.${stage}${doubt}.${term}`,
    event: {
      id,
      workload,
      source,
      target,
      strategy: state.prepared?.strategy ?? command.strategy,
      trigger,
      decision,
      epoch,
      term,
      stage,
      at: state.updatedAt,
      ...(stage === 'ended' && state.result && { result: state.result }),
      ...(reason !== undefined && { reason }),
      measurements,
    },
  };
}
