import { expect, test } from 'vitest';
import { combined } from './combine.ts';

test('containers of one pod are one workload: sums, limits only where all have one, the worse of the ratios', () => {
  const app = { workload: 'plant.a', cpuCores: 0.1, memoryBytes: 10, cpuLimitCores: 1, memoryLimitBytes: 50 };
  const helper = { workload: 'plant.a', cpuCores: 0.2, memoryBytes: 5, memoryLimitBytes: 20, throttledRatio: 0.4 };
  const other = { workload: 'plant.b', cpuCores: 1, memoryBytes: 1, throttledRatio: 0.1 };
  expect(combined([app, other, helper])).toEqual([
    { workload: 'plant.a', cpuCores: 0.3, memoryBytes: 15, memoryLimitBytes: 70, throttledRatio: 0.4 },
    other,
  ]);
});
