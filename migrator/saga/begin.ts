import type { Command } from '../../lib/contract/migration.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { askFor } from './enter.ts';
import { deadlineFor } from './limits.ts';
import { publishOf } from './publish.ts';
import type { SagaContext, Transition } from './types.ts';

export interface Claim {
  command: Command;
  /** Of the command's message in its stream. */
  sequence: number;
  driver: string;
  at: number;
}

/** A new migration, in its first term. */
export function begin(claim: Claim, context: SagaContext): Transition {
  const fresh = initial(claim);
  const state = { ...fresh, deadlineAt: deadlineFor(fresh, 'preparation', claim.at, context) };
  return {
    state,
    commands: [publishOf(state, 'requested'), publishOf(state), ...askFor(state, claim.at, context)],
  };
}

/** A command that does nothing, and says so. */
export function reject(claim: Claim, reason: string): Transition {
  const state: SagaState = {
    ...initial(claim),
    step: 'end',
    direction: 'ended',
    result: 'refused',
    reason,
  };
  return { state, commands: [publishOf(state), { kind: 'finish' }] };
}

function initial({ command, sequence, driver, at }: Claim): SagaState {
  return {
    command,
    commandSequence: sequence,
    term: 1,
    driver,
    direction: 'forward',
    step: 'prepare',
    stage: 'prepare',
    cancelRequested: false,
    startedAt: { prepare: at },
    deadlineAt: at,
    measurements: {},
    updatedAt: at,
  };
}
