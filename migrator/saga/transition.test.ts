import { describe, expect, test } from 'vitest';
import type { SagaState } from '../../lib/contract/saga.ts';
import { preparedModel } from './model/agents.ts';
import { modelContext, stateAt } from './model/fixtures.ts';
import { transition } from './transition.ts';
import type { ActiveStep, SagaCommand, SagaEvent, VerbReply } from './types.ts';

const at = 3000;
const late = 20_000;
const reply = <V extends VerbReply>(value: V): V => value;
const abort = (result: Extract<VerbReply, { verb: 'abort' }>['result']): VerbReply => ({ verb: 'abort', result });
const status = (result: Partial<Extract<VerbReply, { verb: 'status' }>['result']>): VerbReply => ({
  verb: 'status',
  result: { role: 'target', copy: 'running', ...result },
});
const clean: VerbReply = { verb: 'clean', result: { cleaned: true } };
const receive = { data: { address: '192.0.2.2', port: 7433 } };
const lazy: Partial<SagaState> = { measurements: { lazy: true } };

/** In short: `step direction | events | commands`. */
function inShort(state: SagaState, commands: SagaCommand[]): string {
  const told = commands.map((command) => (command.kind === 'publish' ? command.event.stage : '')).filter(Boolean);
  const done = commands.map((command) => {
    if (command.kind === 'publish') return '';
    if (command.kind === 'wait') return command.why;
    return command.kind === 'ask' ? `${command.role}.${command.body.verb}` : command.kind;
  });
  return [`${state.step} ${state.direction}`, told.join(' '), done.filter(Boolean).join(' ')].join(' | ');
}

function outcome(step: ActiveStep, event: SagaEvent, change: Partial<SagaState> = {}): string {
  const { state, commands } = transition(stateAt(step, change), event, modelContext);
  return inShort(state, commands);
}

describe('an answer', () => {
  test.each<[ActiveStep, string, VerbReply, string, Partial<SagaState>?]>([
    ['prepare', '', reply({ verb: 'prepare', result: preparedModel }), 'receive forward |  | target.receive'],
    ['receive', '', reply({ verb: 'receive', result: receive }), 'freeze forward | freeze | source.freeze'],
    ['freeze', '', { verb: 'freeze', result: { frozenAt: 1 } }, 'dump forward | dump | source.dump'],
    [
      'dump',
      '',
      { verb: 'dump', result: { memoryBytes: 1, filesBytes: 1, dumpMs: 1 } },
      'restore forward | transfer restore | target.restore',
    ],
    ['restore', '', { verb: 'restore', result: { heldAt: 1, lazy: false } }, 'commit forward | commit | source.commit'],
    ['commit', 'committed', { verb: 'commit', result: { record: 'committed' } }, 'run forward | run | target.run'],
    [
      'commit',
      'aborted',
      { verb: 'commit', result: { record: 'aborted' } },
      'undo-source backward | aborting | source.abort',
    ],
    [
      'commit',
      'open',
      { verb: 'commit', result: { record: 'open' } },
      'undo-source backward | aborting | source.abort',
    ],
    [
      'commit',
      'committed, after doubt',
      { verb: 'commit', result: { record: 'committed' } },
      'run forward | run | target.run',
      { direction: 'in-doubt', reason: 'silence' },
    ],
    ['run', '', { verb: 'run', result: { runningAt: 1, drained: false } }, 'switch forward | switch | source.switch'],
    [
      'destroy',
      'attested',
      abort({ running: false, attestation: 'destroyed' }),
      'thaw backward | aborting | source.abort',
    ],
    ['destroy', 'not attested', abort({ running: true }), 'run in-doubt |  | retry target.run'],
    ['thaw', '', abort({ record: 'committed', running: true }), 'clean-source backward |  | source.clean'],
    ['switch', '', { verb: 'switch', result: { switched: true } }, 'drain forward | release | target.status'],
    ['drain', 'not lazy', status({}), 'release forward |  | source.release', { measurements: { lazy: false } }],
    ['drain', 'lazy or not, who knows', status({ drained: false }), 'drain forward |  | poll target.status'],
    ['drain', 'drained', status({ drained: true }), 'release forward |  | source.release', lazy],
    ['drain', 'not drained', status({ drained: false }), 'drain forward |  | poll target.status', lazy],
    ['drain', 'lost', status({ drained: false, lost: true }), 'end ended | ended | finish', lazy],
    ['drain', 'gone', status({ drained: false, copy: 'none' }), 'end ended | ended | finish', lazy],
    ['release', '', { verb: 'release', result: { released: true } }, 'clean-source forward | clean | source.clean'],
    ['undo-source', 'aborted', abort({ record: 'aborted', running: true }), 'undo-target backward |  | target.abort'],
    [
      'undo-source',
      'no record',
      abort({ running: true }),
      'undo-target backward |  | target.abort',
      { record: 'aborted' },
    ],
    ['undo-source', 'committed', abort({ record: 'committed', running: false }), 'run forward | run | target.run'],
    ['undo-source', 'open', abort({ record: 'open', running: false }), 'undo-source backward |  | retry source.abort'],
    ['undo-target', '', abort({ running: false, attestation: 'destroyed' }), 'clean-source backward |  | source.clean'],
    ['clean-source', '', clean, 'clean-target forward |  | target.clean', { direction: 'forward' }],
    ['clean-target', '', clean, 'end ended | ended | finish', { result: 'succeeded' }],
    ['clean-target', 'told before', clean, 'end ended |  | finish', { direction: 'ended', result: 'succeeded' }],
  ])('to %s (%s)', (step, _, said, expected, change = {}) => {
    expect(outcome(step, { kind: 'answered', at, step, reply: said, clocks: {} }, change)).toBe(expected);
  });
});

describe('what is not an answer', () => {
  test.each<[ActiveStep, string, string, string]>([
    // step, failed, unanswered, unanswered past the deadline
    [
      'prepare',
      'undo-target backward | aborting | target.abort',
      'prepare forward |  | retry source.prepare',
      'failed',
    ],
    [
      'receive',
      'undo-target backward | aborting | target.abort',
      'receive forward |  | retry target.receive',
      'failed',
    ],
    ['freeze', 'undo-source backward | aborting | source.abort', 'freeze forward |  | retry source.freeze', 'failed'],
    ['dump', 'undo-source backward | aborting | source.abort', 'dump forward |  | retry source.dump', 'failed'],
    [
      'restore',
      'undo-source backward | aborting | source.abort',
      'restore forward |  | retry target.restore',
      'failed',
    ],
    [
      'commit',
      'undo-source backward | aborting | source.abort',
      'commit in-doubt | in-doubt | retry source.commit',
      '',
    ],
    ['run', 'destroy in-doubt | in-doubt | target.abort', 'run in-doubt | in-doubt | retry target.run', ''],
    ['destroy', 'run in-doubt |  | retry target.run', 'destroy in-doubt |  | retry target.abort', ''],
    ['thaw', 'thaw backward |  | retry source.abort', 'thaw backward |  | retry source.abort', ''],
    ['switch', 'drain forward | release | target.status', 'switch forward |  | retry source.switch', 'failed'],
    ['drain', 'drain forward |  | retry target.status', 'drain forward |  | retry target.status', ''],
    ['release', 'release forward |  | retry source.release', 'release forward |  | retry source.release', ''],
    ['undo-source', 'undo-source backward |  | retry source.abort', 'undo-source backward |  | retry source.abort', ''],
    [
      'undo-target',
      'undo-target ended | ended | retry target.abort',
      'undo-target ended | ended | retry target.abort',
      '',
    ],
    [
      'clean-source',
      'clean-source ended | ended | retry source.clean',
      'clean-source ended | ended | retry source.clean',
      '',
    ],
    [
      'clean-target',
      'clean-target ended | ended | retry target.clean',
      'clean-target ended | ended | retry target.clean',
      '',
    ],
  ])('at %s', (step, failed, unanswered, tooLate) => {
    const failure: SagaEvent = { kind: 'failed', at, step, code: 'E_EXEC', message: 'no' };
    expect(outcome(step, failure)).toBe(failed);
    expect(outcome(step, { kind: 'unanswered', at, step, message: 'silence' })).toBe(unanswered);
    const end: SagaEvent = { kind: 'unanswered', at: late, step, message: 'silence' };
    expect(outcome(step, end)).toBe(tooLate === 'failed' ? failed : unanswered);
  });

  test('doubt is told once, not at every try', () => {
    const change: Partial<SagaState> = { direction: 'in-doubt', reason: 'silence' };
    const silence: SagaEvent = { kind: 'unanswered', at, step: 'commit', message: 'silence' };
    expect(outcome('commit', silence, change)).toBe('commit in-doubt |  | retry source.commit');
  });

  test('an event of another step changes nothing', () => {
    const before = stateAt('run');
    const stray: SagaEvent = { kind: 'failed', at, step: 'commit', code: 'E_EXEC', message: 'no' };
    expect(transition(before, stray, modelContext)).toEqual({ state: before, commands: [] });
  });
});
