import { expect, test } from 'vitest';
import type { Decision } from '../../lib/contract/decision.ts';
import type { PlacedWorkload } from '../kinds/workloads.ts';
import { explain } from './why.ts';

const now = 10_000_000;
const placed = (more: Partial<PlacedWorkload> = {}): PlacedWorkload => ({
  name: 'a',
  node: 'edge-1',
  home: 'edge-1',
  image: 'x',
  keeps: 'memory',
  strategy: 'auto',
  migrate: true,
  priority: 0,
  startedAt: 0,
  ...more,
});
const candidate = (name: string, chosen: boolean, reason: string) => ({ name, chosen, reason, terms: {} });
const decision = (id: string, at: number, more: Partial<Decision> = {}): Decision => ({
  id,
  at,
  epoch: 1,
  site: 's',
  node: 'edge-1',
  verdict: 'migrate',
  trigger: 'overload',
  workload: 'a',
  dryRun: false,
  policy: { name: 'p', version: '1' },
  sentence: `sentence of ${id}`,
  reports: [],
  ...more,
});
const choice = (...candidates: ReturnType<typeof candidate>[]): Decision['reports'] => [
  { stage: 'victim', outcome: 'pass', summary: '', terms: {}, candidates },
];

test('the last move, and who would have gone instead', () => {
  const reports = choice(candidate('a', true, 'chosen'), candidate('b', false, 'dearer to move'));
  const why = explain(
    'a',
    placed({ node: 'cloud-1' }),
    [decision('d-1', 1), decision('d-2', now - 60_000, { reports })],
    now,
  );
  expect(why.moved?.id).toBe('d-2');
  expect(why.text).toBe(
    'a runs on cloud-1, away from its home edge-1.\nMoved (1m ago, d-2): sentence of d-2\n  next best victim: b (dearer to move)\n',
  );
});

test('another one was taken in its place', () => {
  const reports = choice(candidate('b', true, 'chosen'), candidate('a', false, 'frees less than the excess'));
  const why = explain('a', placed(), [decision('d-1', now - 5000, { workload: 'b', reports })], now);
  expect(why.moved).toBeUndefined();
  expect(why.text).toContain('Stays (5s ago, d-1): b was taken, a was not: frees less than the excess\n');
});

test('a stay after a move counts, one before it does not', () => {
  const move = decision('d-2', 2000);
  const stay = (id: string, at: number) => decision(id, at, { verdict: 'stay', trigger: 'return' });
  expect(explain('a', placed(), [stay('d-1', 1000), move], now).stayed).toBeUndefined();
  expect(explain('a', placed(), [move, stay('d-3', 3000)], now).stayed?.id).toBe('d-3');
});

test.each([
  ['an obstacle', placed({ obstacle: 'it has a terminal' }), 'It can not move: it has a terminal'],
  ['a pin', placed({ migrate: false }), '--pin'],
  ['nothing at all', placed(), 'Nothing was decided about it. Its node edge-1'],
  ['no such workload any more', undefined, 'No node reports a now.'],
])('%s', (_, workload, text) => {
  expect(explain('a', workload, [], now).text).toContain(text);
});
