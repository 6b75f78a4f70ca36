import type { SagaState } from '../../lib/contract/saga.ts';
import { bodyOf } from './body.ts';
import { budgetMs, deadlineFor } from './limits.ts';
import { announced, publishOf } from './publish.ts';
import { beforeCommit, type Rule, rules } from './steps.ts';
import type { ActiveStep, Ask, SagaCommand, SagaContext, Transition } from './types.ts';

export type Wait = 'retry' | 'poll';

/** Moves the saga to `step`: tells what has changed for the outside, then asks the verb. */
export function enter(before: SagaState, step: ActiveStep, at: number, context: SagaContext, wait?: Wait): Transition {
  const rule = rules[step];
  const stage = rule.stage ?? before.stage;
  const direction = directionInto(before, step, rule);
  const moved: SagaState = {
    ...(direction === 'forward' ? withoutReason(before) : before),
    step,
    stage,
    direction,
    startedAt: { ...before.startedAt, [stage]: before.startedAt[stage] ?? at },
    updatedAt: at,
  };
  const state = step === 'freeze' ? { ...moved, deadlineAt: deadlineFor(moved, 'freezeWindow', at, context) } : moved;
  return { state, commands: [...tell(before, state), ...askFor(state, at, context, wait)] };
}

/** Nothing is left to do. */
export function end(before: SagaState, at: number): Transition {
  const state: SagaState = { ...before, step: 'end', direction: 'ended', updatedAt: at };
  return { state, commands: [...tell(before, state), { kind: 'finish' }] };
}

/** The step under way is asked again; `direction` and `reason` may have changed meanwhile. */
export function again(before: SagaState, state: SagaState, at: number, context: SagaContext, wait: Wait): Transition {
  return { state, commands: [...tell(before, state), ...askFor(state, at, context, wait)] };
}

export function askFor(state: SagaState, at: number, context: SagaContext, wait?: Wait): SagaCommand[] {
  if (state.step === 'end') return [{ kind: 'finish' }];
  const ask = askOf(state, state.step, at, context);
  return wait ? [{ kind: 'wait', why: wait }, ask] : [ask];
}

/** When the step under way is given up, if it can be: after its own time, before the commit also at the whole freeze's end. */
export function stepDeadline(state: SagaState, step: ActiveStep, context: SagaContext): number {
  const own = Math.ceil(state.updatedAt + budgetMs(state, step, context));
  return beforeCommit.has(step) ? Math.min(own, state.deadlineAt) : own;
}

/** After `destroy` the doubt lasts until the target has answered to `run`. */
function directionInto(before: SagaState, step: ActiveStep, rule: Rule): SagaState['direction'] {
  if (step === 'run' && before.step === 'destroy') return before.direction;
  return rule.direction ?? before.direction;
}

function askOf(state: SagaState, step: ActiveStep, at: number, context: SagaContext): Ask {
  const { role, storedFirst } = rules[step];
  const attemptMs = context.limits.attemptMs[step];
  const deadlineAt = beforeCommit.has(step)
    ? stepDeadline(state, step, context)
    : Math.ceil(at + budgetMs(state, step, context));
  const timeoutMs = Math.min(attemptMs, Math.max(deadlineAt - at, 100));
  return { kind: 'ask', step, role, body: bodyOf(state, step, context), deadlineAt, timeoutMs, storedFirst };
}

function tell(before: SagaState, state: SagaState): SagaCommand[] {
  return announced(before) === announced(state) ? [] : [publishOf(state)];
}

function withoutReason({ reason: _, ...state }: SagaState): SagaState {
  return state;
}
