import { describe, expect, test } from 'vitest';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { flightOf, gibibyte, start, worldWith } from '../fixtures.ts';
import { applyMigration } from '../world/apply.ts';
import { timeFactor } from './learned.ts';
import { migrationMs, transferParams } from './migration-time.ts';

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
    return timeFactor(world, image);
  };
  return { world, moved };
}

describe('the time of an image', () => {
  test('starts from the model and comes near what is measured', () => {
    const { world, moved } = scene();
    expect(timeFactor(world, image)).toBe(1);
    expect(moved(3)).toBeCloseTo(2, 10);
    expect(moved(3)).toBeCloseTo(2.5, 10);
    for (let more = 0; more < 20; more++) moved(3);
    expect(timeFactor(world, image)).toBeCloseTo(3, 4);
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
    expect(world.timeFactors.size).toBe(0);
  });
});
