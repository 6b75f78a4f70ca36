import { expect, it } from 'vitest';
import { sagaOf } from '../../test/helpers/cli-fixtures.ts';
import { type AgentView, explain } from './explain.ts';

const silent: AgentView = { fault: 'nobody listens' };
const source = (view: object): AgentView => ({ role: 'source', copy: 'frozen', ...view });
const target = (view: object): AgentView => ({ role: 'target', copy: 'held', ...view });

// record and copies, as both agents see them → settled, and what it says
it.each([
  [source({ record: 'committed', copy: 'none' }), target({ copy: 'running' }), true, /runs on cloud-1/],
  [source({ record: 'committed' }), target({}), false, /may run/],
  [source({ record: 'committed' }), silent, false, /nobody knows whether its copy runs/],
  [source({ record: 'aborted', copy: 'running' }), target({ copy: 'none' }), true, /runs on edge-1/],
  [source({ record: 'aborted', copy: 'running' }), target({}), false, /never runs/],
  [source({ record: 'open' }), target({}), false, /record on edge-1 is open/],
  [silent, target({}), false, /is held and must not run without it/],
  [silent, target({ copy: 'running' }), true, /only its record says/],
  [silent, silent, false, /does not answer/],
  [source({ record: 'committed' }), target({ copy: 'stopped', lost: true }), false, /what it held is lost/],
  [source({ record: 'committed', attested: true, copy: 'running' }), silent, true, /runs on edge-1 again/],
])('%# source %o, target %o', (atSource, atTarget, settled, meaning) => {
  const verdict = explain(sagaOf('m'), atSource, atTarget);
  expect(verdict.settled).toBe(settled);
  expect(verdict.meaning).toMatch(meaning);
});
