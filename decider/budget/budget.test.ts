import { describe, expect, test } from 'vitest';
import { flightOf, nodeOf, policyOf, start, worldWith } from '../fixtures.ts';
import type { Flight, Move } from '../world/model.ts';
import { checkBudget } from './budget.ts';
import { restsUntil } from './cool-down.ts';
import { budgetParams } from './params.ts';

const world = worldWith(['edge-1', 'edge-2', 'edge-3', 'cloud-1', 'cloud-2'].map((name) => ({ name, residents: [] })));
const params = budgetParams(policyOf('{ budgets: { parallelMigrationsPerCluster: 3 } }').spec);

describe('budgets', () => {
  const cases: [string, Flight[], string | undefined][] = [
    ['nothing is under way', [], undefined],
    ['another site', [flightOf('a', 'edge-2', 'cloud-1')], undefined],
    ['the same site', [flightOf('a', 'edge-1', 'cloud-2')], 'site'],
    ['the same target, twice', [flightOf('a', 'edge-2', 'cloud-1'), flightOf('b', 'edge-3', 'cloud-1')], 'target'],
    ['the whole cluster', [1, 2, 3].map((n) => flightOf(`w${n}`, `edge-${n + 1}`, 'cloud-2')), 'cluster'],
  ];
  test.each(cases)('%s', (_, flights, reason) => {
    const move = { source: nodeOf(world, 'edge-1'), target: nodeOf(world, 'cloud-1') };
    const result = checkBudget(move, flights, params);
    expect(result.ok).toBe(reason === undefined);
    expect(result.report.terms.reason).toBe(reason);
  });

  test('none while the policy is paused', () => {
    const move = { source: nodeOf(world, 'edge-1'), target: nodeOf(world, 'cloud-1') };
    expect(checkBudget(move, [], { ...params, paused: true }).report.terms.reason).toBe('paused');
  });
});

describe('cool-down', () => {
  const minutes = 60_000;
  const moves = (count: number, durationMs = 1000): Move[] =>
    Array.from({ length: count }, (_, index) => ({
      migration: `m-${index}`,
      endedAt: start - (count - 1 - index) * minutes,
      durationMs,
      result: 'succeeded',
    }));
  const cases: [string, Move[], number | undefined][] = [
    ['no move', [], undefined],
    ['one', moves(1), 15 * minutes],
    ['two', moves(2), 30 * minutes],
    ['three', moves(3), 60 * minutes],
    ['ten: the cap', moves(10), 360 * minutes],
    ['a long one: its own duration', moves(1, 40 * minutes), 40 * minutes],
    ['forgotten after the history window', [{ ...moves(1)[0], endedAt: start - 49 * 60 * minutes } as Move], undefined],
  ];
  test.each(cases)('%s', (_, history, restMs) => {
    expect(restsUntil(history, params, start)).toBe(restMs === undefined ? 0 : start + restMs);
  });

  test('two moves lie apart at least by the interval', () => {
    expect(restsUntil(moves(1), { ...params, coolDownMs: 0 }, start)).toBe(start + 5 * minutes);
  });
});
