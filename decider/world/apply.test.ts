import { describe, expect, test } from 'vitest';
import type { Decision } from '../../lib/contract/decision.ts';
import {
  containerOf,
  eventOf,
  gibibyte,
  nodeOf,
  policyOf,
  recordOf,
  sampleOf,
  signatureOf,
  start,
  workloadOf,
  worldWith,
} from '../fixtures.ts';
import { sign } from '../pipeline/verdict.ts';
import { applyDecision, applyMigration, applyPolicy, applyTelemetry } from './apply.ts';
import { applyNodeRecord } from './apply-node.ts';
import { openFlights } from './flights.ts';
import type { World } from './model.ts';

const world = (): World =>
  worldWith([
    { name: 'edge-1', residents: [{ name: 'trainer', cores: 1, memoryBytes: gibibyte }] },
    { name: 'cloud-1', residents: [] },
  ]);

function decided(state: World, more: Partial<Decision> = {}): Decision {
  const verdict = {
    verdict: 'migrate' as const,
    trigger: 'overload' as const,
    site: 'site-edge-1',
    node: 'edge-1',
    workload: 'trainer',
    source: 'edge-1',
    target: 'cloud-1',
    strategy: 'auto' as const,
    sentence: '',
    reports: [],
  };
  return { ...sign(state, verdict, start, signatureOf(), false), ...more };
}

describe('a flight', () => {
  test('is opened by a decision and weighs what its workload uses', () => {
    const state = world();
    applyDecision(state, decided(state));
    expect(openFlights(state, start)).toMatchObject([
      { workload: 'trainer', cores: 1, memoryBytes: gibibyte, started: false },
    ]);
  });

  test('is void when nobody has taken it up long after it expired', () => {
    const state = world();
    applyDecision(state, decided(state));
    expect(openFlights(state, start + 90_000)).toHaveLength(1);
    expect(openFlights(state, start + 90_001)).toEqual([]);
  });

  test('lasts once it has started, until it ends', () => {
    const state = world();
    const decision = decided(state);
    applyDecision(state, decision);
    const { result: _, ...begun } = eventOf(decision, { stage: 'requested' });
    applyMigration(state, begun);
    expect(openFlights(state, start + 86_400_000)).toHaveLength(1);
    applyMigration(state, eventOf(decision));
    expect(openFlights(state, start)).toEqual([]);
  });

  test('stays occupied while it is in doubt', () => {
    const state = world();
    const decision = decided(state);
    applyMigration(state, eventOf(decision, { stage: 'in-doubt', result: 'in-doubt' }));
    expect(openFlights(state, start + 86_400_000)).toHaveLength(1);
  });

  test('that has ended is not opened again by a late message', () => {
    const state = world();
    const decision = decided(state);
    applyMigration(state, eventOf(decision));
    applyDecision(state, decision);
    const { result: _, ...late } = eventOf(decision, { stage: 'prepare' });
    applyMigration(state, late);
    applyMigration(state, eventOf(decision));
    expect(openFlights(state, start)).toEqual([]);
    expect(state.history.get('trainer')).toHaveLength(1);
  });

  test('that lands weighs on its target, and starts the counts of both nodes anew', () => {
    const state = world();
    nodeOf(state, 'edge-1').cpu.hold = { hits: 9, normals: 0, hot: true, since: start };
    const decision = decided(state);
    applyDecision(state, decision);
    applyMigration(state, eventOf(decision));
    expect(nodeOf(state, 'cloud-1').arrivals.get('trainer')).toMatchObject({ cores: 1, memoryBytes: gibibyte });
    expect(nodeOf(state, 'edge-1').cpu.hold.hot).toBe(false);
  });

  test('that has landed is not charged with samples of before that come after', () => {
    const state = worldWith([{ name: 'edge-1', residents: [{ name: 'trainer', cores: 4 }] }]);
    const decision = decided(state);
    applyDecision(state, decision);
    applyMigration(state, eventOf(decision, { at: start + 15_000 }));
    const hits = (sequence: number): number => {
      const at = start + sequence * 10_000;
      applyTelemetry(state, sampleOf('edge-1', [containerOf('trainer', 4)], { sequence, at }));
      return nodeOf(state, 'edge-1').cpu.hold.hits;
    };
    expect([1, 2, 3].map(hits)).toEqual([0, 1, 2]);
  });

  test.each(['rolled-back', 'refused', 'failed', 'lost'] as const)('that ends %s counts as a move', (result) => {
    const state = world();
    applyMigration(state, eventOf(decided(state), { result, measurements: { totalMs: 1234 } }));
    expect(state.history.get('trainer')).toMatchObject([{ result, durationMs: 1234 }]);
    expect(nodeOf(state, 'cloud-1').arrivals.size).toBe(0);
  });
});

describe('away from home', () => {
  test('by the record of the node where it runs, until it leaves there', () => {
    const state = world();
    applyNodeRecord(state, 'cloud-1', recordOf('cloud-1', [workloadOf('trainer', 'edge-1')]));
    expect(state.away.get('edge-1')?.get('trainer')).toMatchObject({ node: 'cloud-1' });
    applyNodeRecord(state, 'cloud-1', recordOf('cloud-1', []));
    expect(state.away.size).toBe(0);
  });

  test('no more when the node leaves', () => {
    const state = world();
    applyNodeRecord(state, 'cloud-1', recordOf('cloud-1', [workloadOf('trainer', 'edge-1')]));
    applyNodeRecord(state, 'cloud-1', undefined);
    expect(state.away.size).toBe(0);
    expect(state.nodes.has('cloud-1')).toBe(false);
  });
});

test('history forgets what lies before its window', () => {
  const state = world();
  applyPolicy(state, policyOf('{ budgets: { migrationHistoryWindow: 6h } }'));
  for (const [index, hours] of [0, 7, 8].entries())
    applyMigration(state, eventOf(decided(state, { migration: `m-${index}` }), { at: start + hours * 3_600_000 }));
  expect(state.history.get('trainer')?.map(({ migration }) => migration)).toEqual(['m-1', 'm-2']);
  expect([...state.ended.keys()]).toEqual(['m-1', 'm-2']);
});
