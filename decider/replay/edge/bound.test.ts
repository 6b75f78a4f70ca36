import { expect, test } from 'vitest';
import type { PlanetLabRow } from '../read/planetlab.ts';
import { lowerBound } from './bound.ts';
import { edgeNodes } from './setup.ts';

const rows: PlanetLabRow[] = [
  { trace: 'a', node: 'n', usage: [60, 60, 10, 90] },
  { trace: 'b', node: 'n', usage: [50, 10, 10, 90] },
  { trace: 'c', node: 'n', usage: [10, 10, 10, 90] },
];
const traces = edgeNodes(rows, { capacityPoints: 100, uplinkMBps: 1, seed: 1 });
const step = 300 / 3600;

test('the fewest that have to be away, and only while they have to', () => {
  expect(lowerBound(traces, 0)).toEqual({ otf: 0, cost: expect.closeTo((1 + 2) * step * 0.02, 12) });
});

test('overload that may be left is left where it saves most', () => {
  expect(lowerBound(traces, 0.25)).toEqual({ otf: 0.25, cost: expect.closeTo(step * 0.02, 12) });
  expect(lowerBound(traces, 0.24).otf).toBe(0);
});
