import { describe, expect, test } from 'vitest';
import { type SagaState, sagaSteps } from '../../lib/contract/saga.ts';
import { modelContext, stateAt } from './model/fixtures.ts';
import { beforeCommit, rules } from './steps.ts';
import { transition } from './transition.ts';
import type { ActiveStep, SagaEvent, Transition, VerbReply } from './types.ts';

const at = 3000;
const steps = sagaSteps.filter((step) => step !== 'end');
const stages = ({ commands }: Transition): string[] =>
  commands.flatMap((command) => (command.kind === 'publish' ? [command.event.stage] : []));
const asked = ({ commands }: Transition): string | undefined => commands.find(({ kind }) => kind === 'ask')?.kind;

describe('a request to cancel', () => {
  test.each(steps)('at %s', (step) => {
    const next = transition(stateAt(step), { kind: 'cancel', at }, modelContext);
    expect(next.state.cancelRequested).toBe(true);
    if (beforeCommit.has(step)) {
      expect(stages(next)).toEqual(['aborting']);
      expect(next.state).toMatchObject({ direction: 'backward', reason: 'cancelled on request' });
    } else {
      expect(next.commands).toEqual([]);
      expect(next.state.step).toBe(step);
    }
  });

  test('before anything was stopped asks nothing of the source, and counts as rolled back', () => {
    const { state } = transition(stateAt('receive'), { kind: 'cancel', at }, modelContext);
    expect(state).toMatchObject({ step: 'undo-target', result: 'rolled-back' });
  });

  test('that is found with an answer leads back before the commit is asked', () => {
    const reply: VerbReply = { verb: 'restore', result: { heldAt: 1, lazy: false } };
    const before = stateAt('restore', { cancelRequested: true });
    const { state } = transition(before, { kind: 'answered', at, step: 'restore', reply, clocks: {} }, modelContext);
    expect(state.step).toBe('undo-source');
  });
});

test('an answer after the deadline leads back before the commit is asked', () => {
  const reply: VerbReply = { verb: 'restore', result: { heldAt: 1, lazy: false } };
  const event: SagaEvent = { kind: 'answered', at: 20_000, step: 'restore', reply, clocks: {} };
  const { state } = transition(stateAt('restore'), event, modelContext);
  expect(state).toMatchObject({ step: 'undo-source', reason: 'not done in time: the deadline passed at restore' });
});

describe('a takeover', () => {
  const takeOver = (step: ActiveStep, change: Partial<SagaState> = {}): Transition =>
    transition(stateAt(step, change), { kind: 'takeover', at, driver: 'edge-2' }, modelContext);

  test.each(steps)('at %s asks the same verb in the next term, and tells what goes on', (step) => {
    const next = takeOver(step);
    expect(next.state).toMatchObject({ step, term: 4, driver: 'edge-2' });
    expect(stages(next).length).toBe(1);
    const ask = next.commands.find((command) => command.kind === 'ask');
    expect(ask).toMatchObject({ role: rules[step].role, body: { verb: rules[step].verb } });
  });

  test('past the deadline leads back', () => {
    expect(takeOver('dump', { deadlineAt: at }).state.step).toBe('undo-source');
    expect(takeOver('commit', { deadlineAt: at }).state.step).toBe('commit');
  });

  test('of an ended saga does nothing', () => {
    const before: SagaState = { ...stateAt('run'), step: 'end', direction: 'ended' };
    const next = transition(before, { kind: 'takeover', at, driver: 'edge-2' }, modelContext);
    expect(next).toEqual({ state: before, commands: [] });
    expect(asked(next)).toBeUndefined();
  });
});
