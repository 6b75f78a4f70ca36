import type { Clock } from '../lib/clock.ts';

/** Calls `act` every `intervalMs` of monotonic time until `signal` is aborted. Ticks missed while the process stood still are left out. */
export async function everyInterval(
  intervalMs: number,
  clock: Clock,
  act: () => void,
  options: { signal: AbortSignal },
): Promise<void> {
  let next = clock.monotonic() + intervalMs;
  while (!options.signal.aborted) {
    try {
      await clock.sleep(Math.max(0, next - clock.monotonic()), options);
    } catch (error) {
      if (options.signal.aborted) return;
      throw error;
    }
    act();
    next += intervalMs;
    if (next <= clock.monotonic()) next = clock.monotonic() + intervalMs;
  }
}
