import { describe, expect, test } from 'vitest';
import { type DetectorName, detectors } from './detectors.ts';
import { fitLine, tricube } from './regression.ts';

const ones = (n: number): number[] => Array<number>(n).fill(1);

function level(name: DetectorName, history: number[], safetyParameter = 1, horizon = 1): number {
  const series = { history, mean: 0, horizon: () => horizon };
  return detectors[name](series, { threshold: 0.7, safetyParameter, otf: 1, pressure: 1 }).level;
}

describe('a line', () => {
  test('of least squares through four points', () => {
    // x 1..4, y 2 4 5 9: mean 5, slope (1.5*3 + .5*1 + .5*0 + 1.5*4) / 5 = 11 / 5
    const { intercept, slope } = fitLine([2, 4, 5, 9], ones(4));
    expect(slope).toBeCloseTo(2.2, 12);
    expect(intercept).toBeCloseTo(-0.5, 12);
  });

  test('of two weighted points passes through both', () => {
    const { intercept, slope } = fitLine([7, 2, 4], [0, 0.669921875, 1]);
    expect(slope).toBeCloseTo(2, 12);
    expect(intercept).toBeCloseTo(-2, 12);
  });

  test('through a single weighted point is level', () => {
    expect(fitLine([7, 2, 4], [0, 0, 1])).toEqual({ slope: 0, intercept: 4 });
  });
});

test('tricube weights of three points, by hand: u = 1, 1/2, 0', () => {
  expect(tricube(3)).toEqual([0, 0.669921875, 1]);
});

const ramp = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

describe('forecasts', () => {
  test.each(['LR', 'LOESS', 'RLOESS'] as const)('%s goes on along a straight line', (name) => {
    expect(level(name, ramp)).toBeCloseTo(1.1, 12);
    expect(level(name, ramp, 1.2, 3)).toBeCloseTo(1.2 * 1.3, 12);
  });

  test('only the last ten samples count', () => {
    expect(level('LR', [9, 9, 9, ...ramp])).toBeCloseTo(1.1, 12);
  });

  test.each(['LR', 'LOESS', 'RLOESS'] as const)('%s is THR on fewer', (name) => {
    expect(level(name, ramp.slice(1))).toBe(1);
    expect(level(name, [0.5])).toBe(0.5);
  });

  test('LOESS follows the newest samples sooner than LR', () => {
    const turn = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.7, 1];
    // means 5.5 and 0.28; slope (2.5 * 0.4 + 3.5 * 0.7 + 4.5 * 1 - 10.5 * 0.1) / 82.5
    expect(level('LR', turn)).toBeCloseTo(0.28 + (6.9 / 82.5) * 5.5, 12);
    expect(level('LOESS', turn)).toBeGreaterThan(level('LR', turn) + 0.1);
  });

  test('RLOESS is not led astray by one outlier', () => {
    const spike = ramp.with(5, 0);
    const error = (name: DetectorName): number => Math.abs(level(name, spike) - 1.1);
    expect(error('RLOESS')).toBeLessThan(0.8 * error('LOESS'));
  });

  test('reaching 1 counts', () => {
    const series = { history: ones(10), mean: 0, horizon: () => 1 };
    expect(detectors.LR(series, { threshold: 0.7, safetyParameter: 1, otf: 1, pressure: 1 })).toEqual({
      measure: 'forecast',
      level: 1,
      threshold: 1,
      beyond: true,
    });
  });
});
