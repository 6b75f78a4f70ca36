import { expect, test } from 'vitest';
import { type Round, ratiosOf, spreadsOf } from './report.ts';

const rounds: Round[] = [
  {
    runtime: { freezeMs: 130, downtimeMs: 200 },
    bare: { freezeMs: 100, downtimeMs: 160 },
    plain: { downtimeMs: 2000 },
  },
  { runtime: { freezeMs: 90, downtimeMs: 100 }, bare: { freezeMs: 100, downtimeMs: 200 }, plain: { downtimeMs: 900 } },
  {
    runtime: { freezeMs: 220, downtimeMs: 400 },
    bare: { freezeMs: 200, downtimeMs: 400 },
    plain: { downtimeMs: 3200 },
  },
];

test('medians, and the least and the most, by path and figure', () => {
  const { runtime, plain } = spreadsOf(rounds);
  expect(runtime?.freezeMs).toEqual({ median: 130, min: 90, max: 220 });
  expect(plain).toEqual({ downtimeMs: { median: 2000, min: 900, max: 3200 } });
});

test('a ratio is of two figures of one round, and there is none of a path that was left out', () => {
  expect(ratiosOf(rounds)).toEqual({
    freezeToBare: { median: 1.1, min: 0.9, max: 1.3 },
    downtimeToBare: { median: 1, min: 0.5, max: 1.25 },
    plainToRuntime: { median: 9, min: 8, max: 10 },
  });
  const image = rounds.map((round) => ({ ...round, image: { downtimeMs: (round.plain?.downtimeMs ?? 0) / 2 } }));
  expect(ratiosOf(image).plainToImage).toEqual({ median: 2, min: 2, max: 2 });
});
