import type { Clock } from '../lib/clock.ts';

export interface EveryOptions {
  clock: Clock;
  signal: AbortSignal;
  onError(error: unknown): void;
}

/** Runs `work` again and again, `ms` apart, until aborted; a failure is reported and the next turn comes all the same. */
export async function every(ms: number, work: () => Promise<void>, options: EveryOptions): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await work();
    } catch (error) {
      if (!options.signal.aborted) options.onError(error);
    }
    await options.clock.sleep(ms, { signal: options.signal }).catch(() => undefined);
  }
}
