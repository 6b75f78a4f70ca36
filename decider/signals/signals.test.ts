import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containerOf, sampleOf, start } from '../fixtures.ts';
import type { NodeState } from '../world/model.ts';
import { newNode } from '../world/nodes.ts';
import type { SignalParams } from './params.ts';
import { isFresh, observe } from './signals.ts';

const params: SignalParams = {
  timeConstantMs: 60_000,
  expirationMs: 180_000,
  missedPeriods: 3,
  gapMs: 60_000,
  nodeHistory: 3,
  workloadHistory: 2,
};
const node = (): NodeState => newNode('edge-1', 'site-edge-1', 'edge');
const sample = (sequence: number, cores: number, more = {}) =>
  sampleOf('edge-1', [containerOf('a', cores)], { sequence, at: start + sequence * 10_000, ...more });

describe('moving average', () => {
  test('covers 1 - 1/e of a step after one time constant', () => {
    const state = node();
    observe(state, sample(0, 0), params);
    for (let sequence = 1; sequence <= 6; sequence++) observe(state, sample(sequence, 1), params);
    expect(state.cpu.mean).toBeCloseTo(1 - 1 / Math.E, 10);
    expect(state.workloads.get('a')?.cores).toBeCloseTo(1 - 1 / Math.E, 10);
  });

  test('does not depend on how often the same signal is sampled', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 4, noNaN: true }), (steps, level) => {
        const state = node();
        observe(state, sample(0, 1), params);
        for (let step = 1; step <= steps; step++)
          observe(state, sample(step, level, { at: start + (step * 50_000) / steps }), params);
        expect(state.cpu.mean).toBeCloseTo(level + (1 - level) * Math.exp(-50 / 60), 8);
      }),
    );
  });

  test('a container that comes counts as if it had been there all the while', () => {
    const state = node();
    const late = [containerOf('a', 1), containerOf('b', 2)];
    observe(state, sampleOf('edge-1', [containerOf('a', 1)], { sequence: 0, at: start }), params);
    observe(state, sampleOf('edge-1', late, { sequence: 1, at: start + 10_000 }), params);
    expect(state.cpu.mean).toBeCloseTo(3, 10);
    expect(state.cpu.history).toEqual([3, 3]);
  });

  test('a container that leaves takes its share of the mean with it', () => {
    const state = node();
    for (let sequence = 0; sequence < 9; sequence++)
      observe(
        state,
        sampleOf('edge-1', [containerOf('a', 1), containerOf('b', 2)], { sequence, at: start + sequence * 10_000 }),
        params,
      );
    observe(state, sample(9, 1), params);
    expect(state.cpu.mean).toBeCloseTo(1, 10);
    expect([...state.workloads.keys()]).toEqual(['a']);
  });
});

describe('history', () => {
  const feed = (state: NodeState, containers: [string, number][][]): void => {
    for (const [sequence, list] of containers.entries()) {
      const at = start + sequence * 10_000;
      const samples = list.map(([name, cores]) => containerOf(name, cores));
      observe(state, sampleOf('edge-1', samples, { sequence, at }), params);
    }
  };

  test('holds the newest samples, as many as the policy asks for', () => {
    const state = node();
    feed(state, [[['a', 1]], [['a', 2]], [['a', 3]], [['a', 4]]]);
    expect(state.cpu.history).toEqual([2, 3, 4]);
    expect(state.workloads.get('a')?.history).toEqual([3, 4]);
  });

  test('is that of those that are still here', () => {
    const state = node();
    feed(state, [
      [
        ['a', 1],
        ['b', 2],
      ],
      [
        ['a', 1],
        ['b', 2],
      ],
      [['a', 1]],
    ]);
    expect(state.cpu.history).toEqual([1, 1, 1]);
  });
});

describe('what counts as new', () => {
  const cases: [string, Parameters<typeof sample>, string][] = [
    ['the next of the same boot', [3, 1], 'joined'],
    ['the same again', [2, 1], 'repeat'],
    ['an older one', [0, 1], 'repeat'],
    ['one of the boot before', [9, 1, { boot: 'old' }], 'repeat'],
    ['the first of a new boot', [0, 1, { boot: 'new', at: start + 30_000 }], 'joined'],
    ['one after a gap', [40, 1], 'broken'],
    ['one whose clock went back', [3, 1, { at: start - 3_600_000 }], 'broken'],
    ['one whose clock went ahead', [3, 1, { at: start + 3_600_000 }], 'broken'],
  ];
  test.each(cases)('%s', (_, next, expected) => {
    const state = node();
    observe(state, sample(0, 1, { boot: 'old' }), params);
    observe(state, sample(1, 1), params);
    observe(state, sample(2, 1), params);
    expect(observe(state, sample(...next), params)).toBe(expected);
  });

  test('a jump of the clock clears counts and keeps what was measured', () => {
    const state = node();
    for (let sequence = 0; sequence < 5; sequence++) observe(state, sample(sequence, 2), params);
    state.cpu.hold = { hits: 4, normals: 0, hot: false, since: start };
    observe(state, sample(5, 4, { at: start - 3_600_000 }), params);
    expect(state.cpu.hold.hits).toBe(0);
    expect(state.cpu.mean).toBeCloseTo(2 + 2 * (1 - Math.exp(-1 / 6)), 10);
  });
});

test.each([
  ['at once', 0, true],
  ['within three periods', 30_000, true],
  ['after three periods', 30_001, false],
  ['from the future', -30_001, false],
])('freshness %s', (_, ageMs, expected) => {
  const state = node();
  expect(isFresh(state, start, params)).toBe(false);
  observe(state, sample(0, 1), params);
  expect(isFresh(state, start + ageMs, params)).toBe(expected);
  expect(isFresh(state, start + 1001, { ...params, expirationMs: 1000 })).toBe(false);
});
