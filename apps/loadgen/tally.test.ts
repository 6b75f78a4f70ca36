import { expect, test } from 'vitest';
import { createTally, type Outcome } from './tally.ts';

const answered = (t: number, latencyMs: number, attempts = 1): Outcome => {
  return { t, latencyMs, status: 200, attempts, error: null };
};

test('the hole is the longest time between answers, however long each took', () => {
  const tally = createTally(0);
  for (const outcome of [answered(0, 10), answered(100, 10), answered(150, 900, 7), answered(1040, 20)]) {
    tally.add(outcome);
  }
  expect(tally.summary(2000)).toMatchObject({
    requests: 4,
    answered: 4,
    retried: 1,
    attempts: 10,
    answeredPerSecond: 2,
    longestHoleMs: 940,
    longestHoleAt: 110,
    silentTailMs: 940,
    p50Ms: 10,
    p90Ms: 900,
    maxMs: 900,
  });
});

test('failures and server errors close no hole', () => {
  const tally = createTally(0);
  tally.add(answered(0, 0));
  tally.add({ t: 100, latencyMs: 5, status: null, attempts: 3, error: 'ECONNREFUSED' });
  tally.add({ t: 200, latencyMs: 5, status: 503, attempts: 1, error: null });
  tally.add(answered(300, 0));
  expect(tally.summary(400)).toMatchObject({
    answered: 2,
    failed: 2,
    longestHoleMs: 300,
    statuses: { 200: 2, 503: 1 },
    errors: { ECONNREFUSED: 1 },
  });
});

test('without any answer there is no hole to measure, only silence', () => {
  expect(createTally(1000).summary(1500)).toMatchObject({ longestHoleAt: null, silentTailMs: 500, p99Ms: null });
});
