import { expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { everyInterval } from './tick.ts';

/** A clock that jumps to the end of each sleep, `lateMs` too late. */
function jumpingClock(lateMs: number[] = []) {
  let at = 0;
  const clock: Clock = {
    now: () => at,
    monotonic: () => at,
    sleep: async (ms) => {
      at += ms + (lateMs.shift() ?? 0);
    },
  };
  return { clock, advance: (ms: number) => (at += ms) };
}

async function ticks(count: number, lateMs?: number[], workMs = 0): Promise<number[]> {
  const { clock, advance } = jumpingClock(lateMs);
  const stop = new AbortController();
  const seen: number[] = [];
  const act = () => {
    seen.push(clock.monotonic());
    advance(workMs);
    if (seen.length === count) stop.abort();
  };
  await everyInterval(100, clock, act, stop);
  return seen;
}

test('ticks keep their rhythm, however long the work or a timer’s lateness', async () => {
  expect(await ticks(4)).toEqual([100, 200, 300, 400]);
  expect(await ticks(4, [3, 0, 9, 0], 20)).toEqual([103, 200, 309, 400]);
});

test('ticks missed in a standstill are left out', async () => {
  expect(await ticks(4, [0, 1000])).toEqual([100, 1200, 1300, 1400]);
});

test('an abort ends the wait at once; a fault of the work comes out', async () => {
  const { clock } = jumpingClock();
  const waiting: Clock = { ...clock, sleep: (_ms, options) => Promise.reject(options?.signal?.reason) };
  await everyInterval(100, waiting, () => expect.unreachable(), { signal: AbortSignal.abort() });
  const fault = new Error('fault');
  const failing = everyInterval(
    100,
    clock,
    () => {
      throw fault;
    },
    new AbortController(),
  );
  await expect(failing).rejects.toBe(fault);
});
