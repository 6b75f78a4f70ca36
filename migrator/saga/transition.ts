import type { SagaState, SagaStep } from '../../lib/contract/saga.ts';
import { absorb } from './absorb.ts';
import { again, askFor, end, enter, stepDeadline } from './enter.ts';
import { cancelledReason, nodeOf, settle, settleUnstopped } from './outcome.ts';
import { publishOf } from './publish.ts';
import { passDead, resolve } from './resolve.ts';
import { beforeCommit, rules } from './steps.ts';
import type { ActiveStep, SagaContext, SagaEvent, Transition } from './types.ts';

type EventOf<K extends SagaEvent['kind']> = Extract<SagaEvent, { kind: K }>;

/** The saga: what becomes of the state, and what to do about it. Pure; an event that belongs to another step changes nothing. */
export function transition(state: SagaState, event: SagaEvent, context: SagaContext): Transition {
  const { step } = state;
  if (event.kind === 'resolve') return resolve(state, event, context);
  if (step === 'end') return { state, commands: [] };
  if (event.kind === 'takeover') return takeOver(state, step, event, context);
  if (event.kind === 'cancel') return cancel(state, step, event, context);
  if (event.step !== step) return { state, commands: [] };
  if (event.kind === 'answered') return answered(state, step, event, context);
  if (event.kind === 'failed') return failed(state, step, event, context);
  return unanswered(state, step, event, context);
}

function answered(before: SagaState, step: ActiveStep, event: EventOf<'answered'>, context: SagaContext): Transition {
  const { at, reply } = event;
  const { role, covers, answered: follow } = rules[step];
  const known = absorb(before, role, reply, event.clocks, at);
  const next = typeof follow === 'function' ? follow(known, reply) : follow;
  const settled = settle(known, step, next, reply);
  if (!covers) return go(settled, step, next, at, context);
  const covered: SagaState = { ...settled, startedAt: { ...settled.startedAt, [covers]: at }, updatedAt: at };
  const { state, commands } = go(covered, step, next, at, context);
  return { state, commands: [publishOf(covered, covers), ...commands] };
}

/** Goes to `next`, or past what a dead node would have to do; on the way to the commit only while nothing speaks against it. */
function go(before: SagaState, step: ActiveStep, wanted: SagaStep, at: number, context: SagaContext): Transition {
  const { state, next } = passDead(before, wanted);
  if (next === 'end') return end(state, at);
  const obstacle = next === 'commit' || beforeCommit.has(next) ? obstacleTo(state, at) : undefined;
  if (obstacle) return giveUp(state, step, obstacle, at, context);
  if (next === step) return again(state, state, at, context, step === 'drain' ? 'poll' : 'retry');
  if (next === 'undo-source')
    return giveUp(state, step, `the record at ${state.command.source} is aborted`, at, context);
  return enter(state, next, at, context, step === 'destroy' && next === 'run' ? 'retry' : undefined);
}

function obstacleTo(state: SagaState, at: number): string | undefined {
  if (state.cancelRequested) return cancelledReason;
  return at >= state.deadlineAt ? `not done in time: the deadline passed at ${state.stage}` : undefined;
}

/** Leaves the forward direction. */
function giveUp(state: SagaState, step: ActiveStep, reason: string, at: number, context: SagaContext): Transition {
  const next = rules[step].failed as ActiveStep;
  return enter(settleUnstopped({ ...state, reason }, next), next, at, context);
}

function failed(state: SagaState, step: ActiveStep, event: EventOf<'failed'>, context: SagaContext): Transition {
  const { failed: next, verb, settled } = rules[step];
  if (next === step)
    return settled ? endEarly(state, event.at, context) : again(state, state, event.at, context, 'retry');
  if (step === 'destroy') return go(state, step, next, event.at, context);
  return giveUp(state, step, `${verb} at ${nodeOf(state, step)}: ${event.message}`, event.at, context);
}

function unanswered(
  state: SagaState,
  step: ActiveStep,
  event: EventOf<'unanswered'>,
  context: SagaContext,
): Transition {
  const { at } = event;
  const rule = rules[step];
  const silence = `${rule.verb} at ${nodeOf(state, step)}: ${event.message}`;
  if (rule.unanswered === 'again-until-deadline' && at >= stepDeadline(state, step, context))
    return giveUp(state, step, silence, at, context);
  if (rule.unanswered === 'in-doubt-and-again' && state.direction !== 'in-doubt') {
    const reason = `both copies are stopped: ${silence}`;
    return again(state, { ...state, direction: 'in-doubt', reason, updatedAt: at }, at, context, 'retry');
  }
  return rule.settled ? endEarly(state, at, context) : again(state, state, at, context, 'retry');
}

/** The outcome is settled and told; only the clean-up waits for its node. */
function endEarly(state: SagaState, at: number, context: SagaContext): Transition {
  const ended: SagaState = state.direction === 'ended' ? state : { ...state, direction: 'ended', updatedAt: at };
  return again(state, ended, at, context, 'retry');
}

function cancel(before: SagaState, step: ActiveStep, { at }: EventOf<'cancel'>, context: SagaContext): Transition {
  const state = { ...before, cancelRequested: true };
  if (!beforeCommit.has(step)) return { state, commands: [] };
  return giveUp(state, step, cancelledReason, at, context);
}

/** The step under way is asked once more, with the new term: it may be in force already, and agents answer repeats alike. */
function takeOver(before: SagaState, step: ActiveStep, event: EventOf<'takeover'>, context: SagaContext): Transition {
  const { at, driver } = event;
  const state: SagaState = { ...before, term: before.term + 1, driver, updatedAt: at };
  const obstacle = beforeCommit.has(step) ? obstacleTo(state, at) : undefined;
  if (obstacle) return giveUp(state, step, obstacle, at, context);
  return { state, commands: [publishOf(state), ...askFor(state, at, context)] };
}
