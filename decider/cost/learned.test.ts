import { describe, expect, test } from 'vitest';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { flightOf, gibibyte, start, worldWith } from '../fixtures.ts';
import { applyMigration } from '../world/apply.ts';
import { expectedMs, learnedOf } from './learned.ts';
import { dumpMs, migrationMs, transferParams } from './migration-time.ts';

const image = 'sha256:0';

function scene(resident = {}) {
  const world = worldWith([
    {
      name: 'edge-1',
      residents: [{ name: 'a', cores: 1, memoryBytes: gibibyte, ...resident }],
      record: { uplinkBytesPerSecond: 1e7 },
    },
    { name: 'cloud-1', residents: [] },
  ]);
  let moves = 0;
  const model = migrationMs(gibibyte, 1e7, transferParams(world.policy.spec));
  /** One more migration of `a` that takes so many times as long as modelled. */
  const moved = (times: number, more: Partial<MigrationEvent> = {}): number => {
    const { migration, decision, workload, source, target, trigger } = flightOf('a', 'edge-1', 'cloud-1', {
      migration: `m-${++moves}`,
    });
    const measurements = { totalMs: times * model, memoryBytes: gibibyte };
    const fixed = {
      id: migration,
      workload,
      source,
      target,
      strategy: 'warm' as const,
      trigger,
      decision,
      epoch: 1,
      term: 1,
    };
    applyMigration(world, { ...fixed, stage: 'ended', at: start + moves, result: 'succeeded', measurements, ...more });
    return learnedOf(world, image).timeFactor;
  };
  return { world, moved };
}

describe('the time of an image', () => {
  test('starts from the model and comes near what is measured', () => {
    const { world, moved } = scene();
    expect(learnedOf(world, image)).toEqual({ dumpFactor: 1, timeFactor: 1, dirtyBytesPerSecond: 1_000_000 });
    expect(moved(3)).toBeCloseTo(2, 10);
    expect(moved(3)).toBeCloseTo(2.5, 10);
    for (let more = 0; more < 20; more++) moved(3);
    expect(learnedOf(world, image).timeFactor).toBeCloseTo(3, 4);
  });

  test.each([
    ['an odd one counts for no more than four times', 100, {}, 2.5],
    ['nor for less than a quarter', 0, {}, 0.625],
    ['a roll-back says nothing', 3, { result: 'rolled-back' }, 1],
    ['nor does one without measurements', 3, { measurements: {} }, 1],
  ] as const)('%s', (_, times, more, factor) => {
    expect(scene().moved(times, more)).toBeCloseTo(factor, 10);
  });

  test('is not learned from containers without an image of ours', () => {
    const { world, moved } = scene({ image: 'unmanaged' });
    moved(3);
    expect(world.learned.size).toBe(0);
  });
});

describe('the dump of an image', () => {
  const modelled = dumpMs(gibibyte, 1e7, transferParams(scene().world.policy.spec));
  const whole = migrationMs(gibibyte, 1e7, transferParams(scene().world.policy.spec));
  const dumped = (dump: number, total: number, memoryBytes = gibibyte): Partial<MigrationEvent> => ({
    measurements: { totalMs: total, memoryBytes, dumpMs: dump },
  });

  test('starts from the model and comes near what is measured', () => {
    const { world, moved } = scene();
    moved(1, dumped(3 * modelled, whole));
    expect(learnedOf(world, image).dumpFactor).toBeCloseTo(2, 10);
    for (let more = 0; more < 20; more++) moved(1, dumped(3 * modelled, whole));
    expect(learnedOf(world, image).dumpFactor).toBeCloseTo(3, 4);
  });

  test('what the dump explains is not learned again as time', () => {
    const { world, moved } = scene();
    for (let more = 0; more < 30; more++) moved(1, dumped(2 * modelled, whole + modelled));
    expect(learnedOf(world, image).timeFactor).toBeCloseTo(1, 4);
    const params = transferParams(world.policy.spec);
    expect(expectedMs(world, image, gibibyte, 1e7, params)).toBeCloseTo(whole + modelled, 0);
    const faster = migrationMs(gibibyte, 2e7, params) + dumpMs(gibibyte, 2e7, params);
    expect(expectedMs(world, image, gibibyte, 2e7, params)).toBeCloseTo(faster, 0);
  });

  test.each([
    ['an odd one counts for no more than four times', dumped(100 * modelled, whole), 2.5],
    ['nor for less than a quarter', dumped(0, whole), 0.625],
    ['one without memory says nothing', dumped(3 * modelled, whole, 0), 1],
    ['nor does a roll-back', { ...dumped(3 * modelled, whole), result: 'rolled-back' }, 1],
    ['nor one that was not measured', {}, 1],
  ] as const)('%s', (_, more, factor) => {
    const { world, moved } = scene();
    moved(1, more);
    expect(learnedOf(world, image).dumpFactor).toBeCloseTo(factor, 10);
  });
});

describe('the dirty rate of an image', () => {
  const written = (dirtyBytesPerSecond?: number, more: Partial<MigrationEvent> = {}): Partial<MigrationEvent> => ({
    measurements: {
      totalMs: 1000,
      memoryBytes: gibibyte,
      ...(dirtyBytesPerSecond !== undefined && { dirtyBytesPerSecond }),
    },
    ...more,
  });

  test("starts from the policy's and comes near what is measured", () => {
    const { world, moved } = scene();
    moved(1, written(9_000_000));
    expect(learnedOf(world, image).dirtyBytesPerSecond).toBe(5_000_000);
    for (let more = 0; more < 30; more++) moved(1, written(9_000_000));
    expect(learnedOf(world, image).dirtyBytesPerSecond).toBeCloseTo(9_000_000, 0);
  });

  test.each([
    ['one that wrote nothing counts', written(0), 500_000],
    ['one that was not measured says nothing', written(), 1_000_000],
    ['nor does a roll-back', written(9_000_000, { result: 'rolled-back' }), 1_000_000],
  ] as const)('%s', (_, more, rate) => {
    const { world, moved } = scene();
    moved(1, more);
    expect(learnedOf(world, image).dirtyBytesPerSecond).toBe(rate);
  });
});
