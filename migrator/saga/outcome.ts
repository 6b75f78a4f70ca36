import type { SagaState, SagaStep } from '../../lib/contract/saga.ts';
import { isLost, rules } from './steps.ts';
import type { ActiveStep, VerbReply } from './types.ts';

export const nodeOf = (state: SagaState, step: ActiveStep): string => state.command[rules[step].role];

/** The result, once the answer to `step` has settled it. */
export function settle(state: SagaState, step: ActiveStep, next: SagaStep, reply: VerbReply): SagaState {
  if (isLost(state, reply)) return { ...state, result: 'lost', reason: lostReason(state) };
  if (next !== 'undo-target' && next !== 'clean-source') return state;
  if (step === 'release') return { ...state, result: 'succeeded' };
  if (reply.verb !== 'abort' || rules[step].settled) return state;
  if (reply.result.running) return { ...state, result: 'rolled-back' };
  const stands = `no copy runs: ${state.command.source} could not let it run again`;
  return { ...state, result: 'failed', reason: state.reason ? `${state.reason}; ${stands}` : stands };
}

function lostReason({ command }: SagaState): string {
  return (
    `the copy at ${command.target} died before all of its pages had arrived; ${command.source} keeps the frozen original: ` +
    `settle it with \`godwit resolve ${command.id}\``
  );
}

export const cancelledReason = 'cancelled on request';

/** Leaving the forward direction from `step`: what is settled by that alone, because nothing was stopped yet. */
export function settleUnstopped(state: SagaState, next: SagaStep): SagaState {
  if (next !== 'undo-target') return state;
  return { ...state, result: state.cancelRequested ? 'rolled-back' : 'refused' };
}
