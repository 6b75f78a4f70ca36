import { describe, expect, test } from 'vitest';
import { type DetectorParams, newest, type Series } from './detector.ts';
import { type DetectorName, detectors } from './detectors.ts';
import { interquartileRange, median, medianAbsoluteDeviation } from './dispersion.ts';

const params: DetectorParams = { threshold: 0.8, safetyParameter: 1, otf: 0.1, pressure: 0.4 };

const read = (name: DetectorName, history: number[], more: Partial<DetectorParams & Series> = {}) => {
  const series: Series = { history, mean: history.at(-1) ?? 0, horizon: () => 1, ...more };
  return detectors[name](series, { ...params, ...more });
};

describe('fixed thresholds', () => {
  test.each([
    ['THR looks at the newest sample', 'THR', [0.9, 0.79], 0.9, false],
    ['THR is not beyond at the threshold', 'THR', [0.8], 0, false],
    ['THR beyond', 'THR', [0.1, 0.81], 0, true],
    ['EWMA looks at the average', 'EWMA', [0.1], 0.81, true],
    ['EWMA within', 'EWMA', [0.9], 0.8, false],
  ] as const)('%s', (_, name, history, mean, beyond) => {
    expect(read(name, [...history], { mean })).toMatchObject({ measure: 'usage', threshold: 0.8, beyond });
  });

  test('PSI looks at the pressure, and at the average where there is none', () => {
    expect(read('PSI', [0.9], { pressure: 0.4 })).toEqual({
      measure: 'pressure',
      level: 0.4,
      threshold: 0.4,
      beyond: false,
    });
  });

  test('PSI without a kernel that tells', () => {
    const series: Series = { history: [0.1], mean: 0.9, horizon: () => 1 };
    expect(detectors.PSI(series, params)).toMatchObject({ measure: 'usage', level: 0.9, beyond: true });
  });
});

describe('spread', () => {
  test.each([
    ['median, odd', median([3, 1, 2]), 2],
    ['median, even', median([4, 1, 2, 3]), 2.5],
    // the example of the Wikipedia page on MAD
    ['MAD', medianAbsoluteDeviation([1, 1, 2, 2, 4, 6, 9]), 1],
    // ranks round(0.25 * 13) = 3 and round(0.75 * 13) = 10 of 12 values
    ['IQR', interquartileRange([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]), 508],
  ])('%s', (_, value, expected) => {
    expect(value).toBe(expected);
  });

  const twelve = [0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.84];
  test.each([
    // median 0.6, deviations sorted 0 0 0 0 0 .1 .1 .1 .1 .1 .1 .24: MAD 0.1
    ['MAD', 2, 0.8, true],
    ['MAD', 1.5, 0.85, false],
    // third of 12: 0.5, tenth: 0.7
    ['IQR', 1, 0.8, true],
    ['IQR', 0.75, 0.85, false],
  ] as const)('%s with s = %d counts beyond 1 - s x spread', (name, safetyParameter, threshold, beyond) => {
    const reading = read(name, twelve, { safetyParameter });
    expect(reading).toMatchObject({ level: 0.84, beyond });
    expect(reading.threshold).toBeCloseTo(threshold, 12);
  });

  test.each(['MAD', 'IQR'] as const)('%s is THR on fewer than 12 samples', (name) => {
    expect(read(name, twelve.slice(1))).toMatchObject({ threshold: 0.8, beyond: true });
  });

  test('only the last 30 samples count', () => {
    const history = [...Array<number>(30).fill(0), ...Array<number>(30).fill(0.9)];
    expect(read('MAD', history, { safetyParameter: 9 })).toMatchObject({ threshold: 1 });
  });
});

test('the newest sample is the last one', () => {
  expect(newest({ history: [1, 2], mean: 0, horizon: () => 1 })).toBe(2);
});
