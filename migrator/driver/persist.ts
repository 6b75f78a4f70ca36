import type { Clock } from '../../lib/clock.ts';
import { hasCode } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';

export interface Patience {
  clock: Clock;
  random: () => number;
  log: Logger;
  signal: AbortSignal;
}

const firstPauseMs = 100;
const longestPauseMs = 2000;

/** Doubles from 100 ms to 2 s, spread by a quarter to either side. */
export function pauseMs(attempt: number, random: () => number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempt, 10)) * (0.75 + random() / 2);
}

/** Calls until the bus answers; errors other than E_BUS pass through. Rejects when `signal` is aborted. */
export async function untilBusAnswers<T>(doing: string, call: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, random, log, signal } = patience;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!hasCode(error, 'E_BUS')) throw error;
      log.warn({ err: error, doing }, 'bus does not answer; trying again');
    }
    await clock.sleep(pauseMs(attempt, random), { signal });
  }
}
