import { setTimeout as delay } from 'node:timers/promises';

/** Wall time for records, monotonic time for durations; both in milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, options) => {
    await delay(ms, undefined, options);
  },
};
