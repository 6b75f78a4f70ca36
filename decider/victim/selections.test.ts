import { describe, expect, test } from 'vitest';
import { multipleCorrelation } from './correlation.ts';
import { drawOf } from './draw.ts';
import { type Movable, rankVictims, type VictimSelectionName } from './selections.ts';

const movable = (name: string, more: Partial<Movable> = {}): Movable => ({
  name,
  priority: 0,
  frees: 1,
  covers: false,
  migrationMs: 1000,
  history: [],
  ...more,
});
const order = (selection: VictimSelectionName, movables: Movable[], seed = 's'): string =>
  rankVictims(selection, movables, seed)
    .map(({ name }) => name)
    .join('');

describe('of those that may leave', () => {
  const some = [
    movable('a', { frees: 3, migrationMs: 3000 }),
    movable('b', { frees: 1, migrationMs: 2000 }),
    movable('c', { frees: 2, migrationMs: 1000 }),
  ];
  test.each([
    ['MMT', 'cba'],
    ['MU', 'bca'],
    ['cover-excess', 'cab'],
  ] as const)('%s', (selection, expected) => {
    expect(order(selection, some)).toBe(expected);
  });

  test.each(['MMT', 'MU', 'MC', 'RS', 'cover-excess'] as const)(
    '%s: the lowest priority first, whatever else',
    (selection) => {
      const important = some.map((one) => (one.name === order(selection, some)[0] ? { ...one, priority: 1 } : one));
      expect(order(selection, important).at(-1)).toBe(order(selection, some)[0]);
    },
  );

  test('MC: the one whose load the others explain', () => {
    const rise = [1, 2, 3, 4, 5, 6, 7, 8];
    const other = [2, 2, 4, 4, 6, 6, 8, 9];
    const noise = [5, 1, 4, 4, 1, 5, 2, 3];
    expect(
      order('MC', [
        movable('n', { history: noise }),
        movable('r', { history: rise }),
        movable('s', { history: other }),
      ]).at(-1),
    ).toBe('n');
  });

  test('MC is MMT where the histories are too short', () => {
    expect(order('MC', some)).toBe('cba');
  });

  test('RS: the same lot for the same seed, and every one has its turn', () => {
    expect(order('RS', some, 'x')).toBe(order('RS', some, 'x'));
    const firsts = Array.from({ length: 3000 }, (_, seed) => order('RS', some, String(seed))[0]);
    for (const name of 'abc') expect(firsts.filter((first) => first === name).length / 1000).toBeCloseTo(1, 0);
  });
});

describe('multiple correlation', () => {
  test('of two series is the square of their correlation', () => {
    // x 1 2 3 4, y 2 4 5 9: S_xy 11, S_xx 5, S_yy 26
    const [a, b] =
      multipleCorrelation([
        [1, 2, 3, 4],
        [2, 4, 5, 9],
      ]) ?? [];
    expect(a).toBeCloseTo(121 / 130, 12);
    expect(b).toBeCloseTo(121 / 130, 12);
  });

  test('of a sum with its parts is 1', () => {
    const x = [1, 5, 2, 8, 3];
    const y = [4, 4, 1, 0, 6];
    const sum = x.map((value, index) => value + (y[index] ?? 0));
    for (const explained of multipleCorrelation([x, y, sum]) ?? []) expect(explained).toBeCloseTo(1, 12);
  });

  test('a constant series explains nothing and is explained by nothing', () => {
    const [constant, x, y] =
      multipleCorrelation([
        [3, 3, 3, 3],
        [1, 2, 3, 4],
        [2, 4, 5, 9],
      ]) ?? [];
    expect(constant).toBe(0);
    expect(x).toBeCloseTo(121 / 130, 12);
    expect(y).toBeCloseTo(121 / 130, 12);
  });

  test('is unknown where no degree of freedom is left', () => {
    expect(
      multipleCorrelation([
        [1, 2],
        [2, 1],
      ]),
    ).toBeUndefined();
  });

  test('looks at the newest samples that all have', () => {
    const long = [99, 98, 1, 2, 3, 4];
    expect(multipleCorrelation([long, [2, 4, 5, 9]])?.[0]).toBeCloseTo(121 / 130, 12);
  });
});

test('lots are spread evenly over 32 bits', () => {
  const draws = Array.from({ length: 4000 }, (_, index) => drawOf(`w${index}`) / 2 ** 32);
  expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(0.5, 1);
  for (let part = 0; part < 8; part++)
    expect(draws.filter((draw) => Math.floor(draw * 8) === part).length).toBeGreaterThan(400);
});
