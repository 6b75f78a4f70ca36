import { describe, expect, test } from 'vitest';
import { flightOf, gibibyte, mebibyte, nodeOf, policyOf, type Resident, start, worldWith } from '../fixtures.ts';
import type { Finding } from '../overload/overload.ts';
import type { Flight, World } from '../world/model.ts';
import { chooseVictim } from './victim.ts';

const finding = (kind: Finding['kind'], more: Partial<Finding> = {}): Finding => ({
  kind,
  measure: 'usage',
  ratio: 0.9,
  threshold: kind === 'memory' ? 0.85 : 0.8,
  since: start,
  hits: 5,
  immediate: false,
  ...more,
});

const choose = (world: World, what: Finding = finding('cpu'), flights: Flight[] = []) =>
  chooseVictim(world, nodeOf(world, 'edge-1'), what, flights, start);

/** Capacity 4 cores: 3.6 in use, release at 2.8: the excess is 0.8 cores. */
const world = (residents: Resident[], spec?: string) =>
  worldWith([{ name: 'edge-1', residents }], spec === undefined ? undefined : policyOf(spec));

const victimOf = (result: ReturnType<typeof choose>): string | undefined =>
  result.ok ? result.value.workload.name : undefined;

describe('of those that may go', () => {
  const cases: [string, Resident[], string][] = [
    [
      'the quickest to move that covers the excess',
      [
        { name: 'huge', cores: 1.6, memoryBytes: 4 * gibibyte },
        { name: 'small', cores: 0.4, memoryBytes: mebibyte },
        { name: 'fitting', cores: 1.6, memoryBytes: gibibyte },
      ],
      'fitting',
    ],
    [
      'the lowest priority before the quickest',
      [
        { name: 'quick', cores: 1.8, memoryBytes: mebibyte, priority: 1 },
        { name: 'slow', cores: 1.8, memoryBytes: gibibyte, priority: 0 },
      ],
      'slow',
    ],
    [
      'the least used of equally quick ones',
      [
        { name: 'a', cores: 2.4, keeps: 'nothing' },
        { name: 'b', cores: 1.2, keeps: 'nothing' },
      ],
      'b',
    ],
    [
      'the first by name of equal ones',
      [
        { name: 'b', cores: 1.8 },
        { name: 'a', cores: 1.8 },
      ],
      'a',
    ],
    [
      'what frees most for its migration time, where none covers',
      [
        { name: 'a', cores: 0.7, memoryBytes: 2 * gibibyte },
        { name: 'b', cores: 0.5, memoryBytes: 10 * mebibyte },
        ...['c', 'd', 'e', 'f'].map((name) => ({ name, cores: 0.6, memoryBytes: 2 * gibibyte })),
      ],
      'b',
    ],
  ];
  test.each(cases)('%s', (_, residents, expected) => {
    expect(victimOf(choose(world(residents)))).toBe(expected);
  });

  test('memory: covers bytes, not cores', () => {
    const residents = [
      { name: 'busy', cores: 3, memoryBytes: 100 * mebibyte },
      { name: 'fat', cores: 0.1, memoryBytes: 3 * gibibyte },
      { name: 'fatter', cores: 0.1, memoryBytes: 4 * gibibyte },
    ];
    const result = choose(world(residents), finding('memory', { ratio: (7 + 100 / 1024) / 8 }));
    expect(victimOf(result)).toBe('fat');
    expect(result.report.summary).toMatch(
      /^fat frees 3 GiB and is the cheapest to move that covers the excess of 1.1 GiB/,
    );
  });

  test('a workload at its own limit is its own victim', () => {
    const result = choose(
      world([
        { name: 'a', cores: 0.5 },
        { name: 'b', cores: 0.5 },
      ]),
      finding('workload', { workload: 'b' }),
    );
    expect(victimOf(result)).toBe('b');
  });

  test('the runner-up stands in the report', () => {
    const { report } = choose(
      world([
        { name: 'a', cores: 1.8 },
        { name: 'b', cores: 1.8 },
      ]),
    );
    expect(report.candidates?.map(({ name, chosen }) => ({ name, chosen }))).toEqual([
      { name: 'a', chosen: true },
      { name: 'b', chosen: false },
    ]);
  });
});

describe('none may go', () => {
  const rest = { name: 'a', cores: 3.6 };
  const cases: [string, Resident, string | undefined, RegExp][] = [
    ['its owner forbids it', { ...rest, migrate: false }, undefined, /migrate: false/],
    ['it can not', { ...rest, obstacle: 'it uses io_uring' }, undefined, /io_uring/],
    ['too young', { ...rest, startedAt: start - 60_000 }, undefined, /only 60 s old/],
    ['too important', { ...rest, priority: 10 }, '{ victim: { priorityThreshold: 10 } }', /priority 10/],
    ['unknown to the migrator', { ...rest, unknown: true }, undefined, /does not know it/],
  ];
  test.each(cases)('%s', (_, resident, spec, reason) => {
    const { ok, report } = choose(world([resident], spec));
    expect(ok).toBe(false);
    expect(report).toMatchObject({ stage: 'victim', outcome: 'stop', terms: { reason: 'none' } });
    expect(report.summary).toMatch(reason);
  });

  test('it rests after its last move', () => {
    const resting = world([rest]);
    resting.history.set('a', [{ migration: 'm-1', endedAt: start - 60_000, durationMs: 1000, result: 'succeeded' }]);
    expect(choose(resting).report.summary).toMatch(/rests for another 14 min/);
  });
});

describe('what is leaving already', () => {
  const residents = [
    { name: 'a', cores: 1.2 },
    { name: 'b', cores: 1.2 },
    { name: 'c', cores: 1.2 },
  ];

  test('counts as gone: no second victim where it suffices', () => {
    const result = choose(world(residents), finding('cpu'), [flightOf('a', 'edge-1', 'cloud-1', { cores: 1.2 })]);
    expect(result.report.terms.reason).toBe('in-flight');
  });

  test('is not taken twice where it does not', () => {
    const result = choose(world(residents), finding('cpu'), [flightOf('a', 'edge-1', 'cloud-1', { cores: 0.2 })]);
    expect(victimOf(result)).toBe('b');
    expect(result.report.terms.excess).toBeCloseTo(0.6);
  });
});
