import { describe, expect, test } from 'vitest';
import { detectors } from './detectors.ts';
import { expectedTimes } from './mhod.ts';
import { estimateTransitions, type Transitions } from './transitions.ts';

const p: Transitions = [
  [0.9, 0.1],
  [0.5, 0.5],
];

describe('expected time in each state until the migration', () => {
  // rows of (I - A)^-1, a_ij = (1 - m_i) p_ij, solved by hand
  test.each([
    ['overloaded, leaving at once', 1, [0, 1], [0, 1]],
    ['overloaded, leaving when it has passed', 1, [1, 0], [1, 2]],
    ['normal, leaving when it overloads', 0, [0, 1], [10, 1]],
    ['normal, leaving at once', 0, [1, 1], [1, 0]],
    ['overloaded, leaving by half chance there', 1, [0, 0.5], [5, 2]],
  ] as const)('%s', (_, current, m, expected) => {
    const [normal, hot] = expectedTimes(p, current, m);
    expect(normal).toBeCloseTo(expected[0], 9);
    expect(hot).toBeCloseTo(expected[1], 9);
  });

  test('is none where the chain never ends', () => {
    expect(expectedTimes(p, 0, [0, 0])).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('transitions', () => {
  test('of a state that has been left in every fourth sample', () => {
    // state 0 is followed by 0 0 1 0 0 1 ..., state 1 by 0: over any 30 a third
    const states = Array.from({ length: 400 }, (_, index) => Number(index % 4 === 3));
    const [[, up], [down, stay]] = estimateTransitions(states);
    expect(up).toBeCloseTo(1 / 3, 1);
    expect([down, stay]).toEqual([1, 0]);
  });

  test('a window that is not full counts its rest as empty', () => {
    expect(estimateTransitions([0, 0, 0])).toEqual([
      [0.1, 0],
      [0, 0],
    ]);
  });

  test('a change makes the window shorter', () => {
    const calm = Array<number>(200).fill(0);
    const lively = Array.from({ length: 40 }, (_, index) => index % 2);
    const [[, up]] = estimateTransitions([...calm, ...lively]);
    expect(up).toBeCloseTo(20 / 30, 12);
  });
});

describe('MHOD', () => {
  const otf = (history: number[], bound = 0.1) =>
    detectors.MHOD(
      { history, mean: 0, horizon: () => 1 },
      { threshold: 1, safetyParameter: 1, otf: bound, pressure: 1 },
    );
  const calm = (samples: number): number[] => Array<number>(samples).fill(0.5);

  test('waits while it can not be overloaded next', () => {
    expect(otf(calm(100))).toEqual({ measure: 'overload-time', level: 0, threshold: 0.1, beyond: false });
  });

  test('is silent on fewer than 30 samples', () => {
    expect(otf(Array<number>(29).fill(1)).beyond).toBe(false);
    expect(otf(Array<number>(30).fill(1)).beyond).toBe(true);
  });

  test('lets an overload pass while there is time to spare, and acts when there is none', () => {
    const hot = (samples: number) => otf([...calm(95), ...Array<number>(samples).fill(1)]).beyond;
    expect([1, 3, 20].map(hot)).toEqual([false, false, true]);
  });

  test('a tighter bound acts sooner', () => {
    const history = [...calm(95), 1, 1, 1];
    expect([otf(history, 0.02).beyond, otf(history, 0.3).beyond]).toEqual([true, false]);
  });
});
