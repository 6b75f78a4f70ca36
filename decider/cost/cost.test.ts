import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flightOf, gibibyte, nodeOf, policyOf, worldWith } from '../fixtures.ts';
import { type CostInput, checkCost } from './cost.ts';
import {
  bytesToMove,
  dumpBytesPerSecond,
  migrationMs,
  transferParams,
  usableBytesPerSecond,
} from './migration-time.ts';
import { costParams } from './params.ts';

const params = costParams(policyOf().spec);
const input: CostInput = {
  usage: { cores: 0.6, memoryBytes: gibibyte / 2 },
  bytes: gibibyte / 2,
  timeFactor: 1,
  dumpBytesPerSecond: 1e8,
  dirtyBytesPerSecond: 1e6,
  migrationMs: 5000,
  excessCores: 0.4,
  outOfMemoryProbability: 0,
  overloadMs: 60_000,
};

describe('gate', () => {
  const cases: [string, Partial<CostInput>, boolean, string?][] = [
    ['a usual overload', {}, true],
    ['hardly any excess', { excessCores: 0.01 }, false, 'gain'],
    ['hardly any, for hours', { excessCores: 0.01, overloadMs: 10 * 3_600_000 }, true],
    ['much memory for little', { bytes: 64 * gibibyte }, false, 'gain'],
    ['it pays to go, not to come back as well', { bytes: 8 * gibibyte }, false, 'gain'],
    ['memory runs out', { excessCores: 0, outOfMemoryProbability: 0.5 }, true],
    ['too slow a link', { migrationMs: 2 * 3_600_000 }, false, 'deadline'],
  ];
  test.each(cases)('%s', (_, more, ok, reason) => {
    const result = checkCost({ ...input, ...more }, params);
    expect(result.ok).toBe(ok);
    expect(result.report.terms.reason).toBe(reason);
  });

  test('every term stands in the report, also when the answer is no', () => {
    const { report } = checkCost({ ...input, excessCores: 0 }, params);
    expect(Object.keys(report.terms)).toEqual(
      expect.arrayContaining([
        'stayUsd',
        'cloudUsd',
        'moveUsd',
        'backUsd',
        'returnProbability',
        'margin',
        'residenceMs',
        'timeFactor',
        'dumpBytesPerSecond',
        'dirtyBytesPerSecond',
      ]),
    );
  });

  test('stay - cloud >= (1 + margin) (move + P back), by the terms it reports', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2000 }).map((thousandths) => thousandths / 1000),
        fc.integer({ min: 0, max: 20 * gibibyte }),
        (excessCores, bytes) => {
          const { ok, report } = checkCost({ ...input, excessCores, bytes }, params);
          const { stayUsd, cloudUsd, moveUsd, backUsd } = report.terms as Record<string, number>;
          const gain = Number(stayUsd) - Number(cloudUsd) - 1.1 * (Number(moveUsd) + 0.5 * Number(backUsd));
          if (Math.abs(gain) > 1e-4) expect(ok).toBe(gain > 0);
        },
      ),
    );
  });

  test('is not asked where the policy says so', () => {
    expect(checkCost({ ...input, excessCores: 0 }, { ...params, enabled: false }).ok).toBe(true);
  });
});

describe('migration time', () => {
  const transfer = transferParams(policyOf().spec);

  test('M/d + M/R + M/d + start', () => {
    expect(migrationMs(1_000_000_000, 100_000_000, transfer)).toBe(1000 + 10_000 + 4000);
  });

  test('a dump that takes twice as long as modelled, at half the rate', () => {
    expect(migrationMs(1_000_000_000, 100_000_000, transfer, 2)).toBeCloseTo(1000 + 2 * 12_000 + 2000, 6);
    expect(dumpBytesPerSecond(100_000_000, transfer)).toBeCloseTo(1e9 / 12, 3);
    expect(dumpBytesPerSecond(100_000_000, transfer, 2)).toBeCloseTo(1e9 / 24, 3);
  });

  test.each([
    ['auto', 'memory', 100],
    ['auto', 'files', 0],
    ['restart', 'memory', 0],
    ['cold', 'memory', 0],
    ['warm', 'nothing', 100],
  ] as const)('strategy %s of what keeps %s', (strategy, keeps, bytes) => {
    expect(bytesToMove(100, { strategy, keeps })).toBe(bytes);
  });

  test('the narrowest uplink, shared by those that leave the site', () => {
    const world = worldWith([
      { name: 'edge-1', residents: [], record: { uplinkBytesPerSecond: 1000 } },
      { name: 'cloud-1', residents: [], record: { uplinkBytesPerSecond: 4000 } },
    ]);
    const route = { source: nodeOf(world, 'edge-1'), target: nodeOf(world, 'cloud-1') };
    expect(usableBytesPerSecond(route, [], transfer)).toBe(1000);
    expect(usableBytesPerSecond(route, [flightOf('a', 'edge-1', 'cloud-1')], transfer)).toBe(500);
    expect(usableBytesPerSecond({ source: route.target }, [], transfer)).toBe(4000);
  });
});
