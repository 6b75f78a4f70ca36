import { expect, test } from 'vitest';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import { createLogger } from '../../lib/logger.ts';
import { type Patience, pauseMs, untilBusAnswers } from './persist.ts';

function patience(slept: number[], signal = new AbortController().signal): Patience {
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
  return { clock, random: () => 0.5, log: createLogger('test', { level: 'silent' }), signal };
}

test('pauses double up to two seconds and are spread by a quarter', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => pauseMs(attempt, () => 0.5))).toEqual([
    100, 200, 400, 800, 1600, 2000, 2000,
  ]);
  expect([pauseMs(0, () => 0), pauseMs(0, () => 1)]).toEqual([75, 125]);
});

test('a bus that does not answer is tried again; another error is not', async () => {
  const slept: number[] = [];
  let calls = 0;
  const call = async (): Promise<string> => {
    if (++calls < 4) throw new GodwitError('E_BUS', 'no server');
    return 'done';
  };
  await expect(untilBusAnswers('testing', call, patience(slept))).resolves.toBe('done');
  expect(slept).toEqual([100, 200, 400]);
  const stale = async (): Promise<never> => Promise.reject(new GodwitError('E_STALE', 'over'));
  await expect(untilBusAnswers('testing', stale, patience(slept))).rejects.toMatchObject({ code: 'E_STALE' });
});

test('a stop ends the trying', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  const call = async (): Promise<never> => Promise.reject(new GodwitError('E_BUS', 'no server'));
  await expect(untilBusAnswers('testing', call, patience([], stop.signal))).rejects.toThrow('stopped');
});
