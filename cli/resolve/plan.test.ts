import { expect, it } from 'vitest';
import type { SagaState } from '../../lib/contract/saga.ts';
import { sagaOf } from '../../test/helpers/cli-fixtures.ts';
import type { AgentView } from './explain.ts';
import { planFor, type Wish } from './plan.ts';

const silent: AgentView = { fault: 'nobody listens' };
const source = (view: object = {}): AgentView => ({ role: 'source', copy: 'frozen', record: 'committed', ...view });
const target = (view: object = {}): AgentView => ({ role: 'target', copy: 'held', ...view });
const doubt: Partial<SagaState> = { step: 'run', direction: 'in-doubt' };
const lost: Partial<SagaState> = { step: 'end', direction: 'ended', result: 'lost' };

const told = (saga: Partial<SagaState>, atSource: AgentView, atTarget: AgentView, wish: Wish): string => {
  const plan = planFor({ saga: sagaOf('m', saga), source: atSource, target: atTarget }, wish);
  return 'steps' in plan ? `does ${plan.steps.join('; ')}` : `refuses ${plan.refusal}`;
};

const toSource: Wish = { keep: 'source' };
const toTarget: Wish = { keep: 'target' };

// state, both agents' words, wish → what is done, or why nothing
it.each<[Partial<SagaState>, AgentView, AgentView, Wish, RegExp]>([
  [doubt, source(), target(), toSource, /^does cloud-1: destroy .*; edge-1: let trainer go on/],
  [doubt, source(), target(), toTarget, /^does cloud-1: let the copy run.*; edge-1: end the copy/],
  [lost, source(), target({ copy: 'frozen', lost: true }), toSource, /^does cloud-1: destroy/],
  [lost, source(), target({ copy: 'frozen', lost: true }), toTarget, /^does cloud-1: .* start trainer anew/],
  [doubt, source(), silent, { keep: 'source', dead: 'target' }, /^does cloud-1: taken for dead/],
  [doubt, silent, target(), { keep: 'target', dead: 'source' }, /^does cloud-1: let .*; edge-1: taken for dead/],
  // a twin could come of these
  [doubt, source(), target({ copy: 'running' }), toSource, /^refuses trainer runs on cloud-1/],
  [doubt, source(), silent, toSource, /^refuses cloud-1 does not answer, and its copy may run/],
  [doubt, silent, target(), toTarget, /^refuses edge-1 does not answer, and only its record/],
  [doubt, source({ record: 'open' }), target(), toTarget, /^refuses the record on edge-1 is open/],
  [doubt, source({ record: 'aborted', copy: 'running' }), target(), toTarget, /^refuses the record on edge-1 is abor/],
  [doubt, source({ attested: true, copy: 'running' }), target(), toTarget, /^refuses edge-1 was let run again/],
  [doubt, source(), target(), { keep: 'source', dead: 'target' }, /^refuses cloud-1 answers/],
  [doubt, source(), target(), { keep: 'target', dead: 'source' }, /^refuses edge-1 answers/],
  // nothing would be left
  [doubt, source(), target(), { keep: 'source', dead: 'source' }, /^refuses a node that is dead/],
  [doubt, source({ copy: 'none' }), silent, toSource, /^refuses edge-1 holds no copy/],
  [doubt, source(), target({ copy: 'stopped' }), toTarget, /^refuses cloud-1 holds no copy/],
  [lost, source(), target({ copy: 'none', lost: true }), toTarget, /^refuses cloud-1 can not start trainer/],
  [lost, silent, target(), toSource, /^refuses edge-1 does not answer/],
  // nothing is to be decided
  [
    { step: 'dump', stage: 'dump' },
    source({ record: 'open' }),
    target(),
    toSource,
    /^refuses .* is under way \(dump\)/,
  ],
  [{ step: 'end', direction: 'ended', result: 'succeeded' }, source(), target(), toSource, /^refuses .* has ended/],
])('%# %o, source %o, target %o, %o', (saga, atSource, atTarget, wish, expected) => {
  expect(told(saga, atSource, atTarget, wish)).toMatch(expected);
});
