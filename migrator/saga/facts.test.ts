import { describe, expect, test } from 'vitest';
import type { SagaState } from '../../lib/contract/saga.ts';
import { absorb } from './absorb.ts';
import { begin, reject } from './begin.ts';
import { bodyOf } from './body.ts';
import { budgetMs, deadlineFor } from './limits.ts';
import { preparedModel } from './model/agents.ts';
import { modelCommand, modelContext, stateAt } from './model/fixtures.ts';
import { publishOf } from './publish.ts';
import { transition } from './transition.ts';
import type { ActiveStep, VerbReply } from './types.ts';

const at = 3000;
const answer = (step: ActiveStep, reply: VerbReply, change: Partial<SagaState> = {}): SagaState =>
  transition(stateAt(step, change), { kind: 'answered', at, step, reply, clocks: {} }, modelContext).state;

test('the dump tells what it moved and how long that took', () => {
  const reply: VerbReply = { verb: 'dump', result: { memoryBytes: 5, filesBytes: 7, dumpMs: 11 } };
  expect(answer('dump', reply).measurements).toMatchObject({ memoryBytes: 5, filesBytes: 7, dumpMs: 11 });
});

test.each([[1_500_000], [undefined]])(
  'the preparation tells how fast the workload writes, where that could be measured: %s',
  (rate) => {
    const written = rate !== undefined && { dirtyBytesPerSecond: rate };
    const reply: VerbReply = { verb: 'prepare', result: { ...preparedModel, ...written } };
    expect(answer('prepare', reply).measurements.dirtyBytesPerSecond).toBe(rate);
  },
);

describe('the freeze', () => {
  test('is measured on one clock: both offsets are taken out, both errors added', () => {
    const clocks = { source: { offsetMs: 5000, errorMs: 1 }, target: { offsetMs: -200, errorMs: 2.5 } };
    const reply: VerbReply = { verb: 'run', result: { runningAt: 1000 - 200 + 340, drained: true } };
    const before = stateAt('run', { frozenAt: 1000 + 5000 });
    const { measurements } = absorb(before, 'target', reply, clocks, at);
    expect(measurements).toEqual({ freezeMs: 340, freezeErrorMs: 3.5 });
  });

  test('is not guessed while a clock is unknown, and made up for at the release', () => {
    const reply: VerbReply = { verb: 'run', result: { runningAt: 1600, drained: true } };
    const running = absorb(stateAt('run'), 'target', reply, { target: { offsetMs: 0, errorMs: 1 } }, at);
    expect(running.measurements.freezeMs).toBeUndefined();
    const clocks = { source: { offsetMs: 0, errorMs: 1 }, target: { offsetMs: 0, errorMs: 1 } };
    const released = absorb(running, 'source', { verb: 'release', result: { released: true } }, clocks, at);
    expect(released.measurements).toMatchObject({ freezeMs: 100, freezeErrorMs: 2, totalMs: 2000 });
  });
});

describe('the record', () => {
  test('never changes once it has turned', () => {
    const reply: VerbReply = { verb: 'abort', result: { record: 'aborted', running: true } };
    expect(absorb(stateAt('thaw'), 'source', reply, {}, at).record).toBe('committed');
  });

  test('is the source’s: what a target says of it counts nothing', () => {
    const reply: VerbReply = { verb: 'abort', result: { record: 'committed', running: false } };
    expect(absorb(stateAt('restore'), 'target', reply, {}, at).record).toBe('open');
  });

  test('has to be committed before `run` is asked', () => {
    expect(() => bodyOf(stateAt('run', { record: 'open' }), 'run', modelContext)).toThrow('committed');
    expect(bodyOf(stateAt('run'), 'run', modelContext).fields).toEqual({ record: 'committed' });
  });

  test('an attestation goes along only after the target has given it', () => {
    expect(bodyOf(stateAt('thaw'), 'thaw', modelContext).fields).toHaveProperty('attestation', 'destroyed');
    expect(bodyOf(stateAt('undo-source'), 'undo-source', modelContext).fields).not.toHaveProperty('attestation');
  });
});

describe('the result', () => {
  const aborted: VerbReply = { verb: 'abort', result: { record: 'aborted', running: true } };
  const dead: VerbReply = { verb: 'abort', result: { record: 'aborted', running: false } };

  test('is refused when the preflight says no, with its reason', () => {
    const failure = {
      kind: 'failed',
      at,
      step: 'prepare',
      code: 'E_PREFLIGHT',
      message: 'io_uring is in use',
    } as const;
    const { state } = transition(stateAt('prepare'), failure, modelContext);
    expect(state).toMatchObject({ result: 'refused', reason: 'prepare at edge-1: io_uring is in use' });
  });

  test('is rolled-back when the source runs again, failed when it can not', () => {
    expect(answer('undo-source', aborted)).toMatchObject({ result: 'rolled-back', reason: 'given up' });
    expect(answer('undo-source', dead)).toMatchObject({
      result: 'failed',
      reason: 'given up; no copy runs: edge-1 could not let it run again',
    });
    expect(answer('thaw', { verb: 'abort', result: { record: 'committed', running: true } }).result).toBe(
      'rolled-back',
    );
    expect(answer('thaw', { verb: 'abort', result: { record: 'committed', running: false } }).result).toBe('failed');
  });

  test('is open while the record is', () => {
    const committed: VerbReply = { verb: 'abort', result: { record: 'committed', running: false } };
    const state = answer('undo-source', committed);
    expect(state.result).toBeUndefined();
    expect(state.reason).toBeUndefined();
  });

  test('is lost with what to do about it', () => {
    const lost: VerbReply = { verb: 'status', result: { role: 'target', copy: 'none', drained: false, lost: true } };
    const state = answer('drain', lost, { measurements: { lazy: true } });
    expect(state.result).toBe('lost');
    expect(state.reason).toContain('`godwit resolve m1`');
  });
});

describe('beginning', () => {
  const claim = { command: modelCommand, sequence: 7, driver: 'cloud-1', at };

  test('tells that the command was taken, and asks the source', () => {
    const { state, commands } = begin(claim, modelContext);
    expect(state).toMatchObject({ term: 1, step: 'prepare', direction: 'forward', deadlineAt: at + 25_000 });
    expect(commands.map((command) => (command.kind === 'publish' ? command.id : command.kind))).toEqual([
      'm1.requested.1',
      'm1.prepare.1',
      'ask',
    ]);
  });

  test('a rejected command ends at once', () => {
    const { state, commands } = reject(claim, 'too late');
    expect(state).toMatchObject({ step: 'end', direction: 'ended', result: 'refused', reason: 'too late' });
    expect(commands.map(({ kind }) => kind)).toEqual(['publish', 'finish']);
  });
});

test('events have one id a term; doubt one a stage; the end one for ever', () => {
  const idOf = (state: SagaState): unknown => {
    const command = publishOf(state);
    return command.kind === 'publish' ? command.id : undefined;
  };
  expect(idOf(stateAt('dump'))).toBe('m1.dump.3');
  expect(idOf(stateAt('commit', { direction: 'in-doubt' }))).toBe('m1.in-doubt-commit.3');
  expect(idOf(stateAt('clean-target', { direction: 'ended', result: 'succeeded' }))).toBe('m1.ended');
});

test('a transfer gets twice the time that its bytes need on the link', () => {
  const slow = { ...modelContext, bytesPerSecond: 1_000_000 };
  const state = stateAt('dump');
  const bytes = (64 << 20) + (1 << 20);
  expect(budgetMs(state, 'dump', slow)).toBeCloseTo(15_000 + (bytes / 1_000_000) * 2000);
  expect(deadlineFor(state, 'freezeWindow', at, slow)).toBeGreaterThan(at + budgetMs(state, 'dump', slow));
});
