import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';

export interface ReconcilerOptions {
  /** For the log. */
  name: string;
  /** A key is looked at this long after the first of the requests that come to one look. */
  debounceMs: number;
  /** Brings what the key stands for to where it should be; what it throws is logged, and it is tried again. */
  work(key: string): Promise<void>;
  clock: Clock;
  log: Logger;
}

export interface Reconciler {
  /** Has the key looked at, whatever came before. */
  request(key: string): void;
  /** Works until `signal` is aborted; requests made before it wait. */
  run(options: { signal: AbortSignal }): Promise<void>;
}

const firstRetryMs = 250;
/** Keys that are worked on side by side. */
const atOnce = 32;
const longestRetryMs = 30_000;
/** Without a request there is nothing to wake up for. */
const idleMs = 3_600_000;

/** Level-triggered work by key: a request says that something has changed, never what. Looks at one key never overlap. */
export function createReconciler({ name, debounceMs, work, clock, log }: ReconcilerOptions): Reconciler {
  /** When each key is to be looked at. */
  const due = new Map<string, number>();
  const failures = new Map<string, number>();
  let wake = (): void => undefined;

  const plan = (key: string, inMs: number): void => {
    const at = clock.monotonic() + inMs;
    due.set(key, Math.min(at, due.get(key) ?? at));
    wake();
  };

  const attempt = async (key: string): Promise<void> => {
    try {
      await work(key);
      failures.delete(key);
    } catch (error) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      log.warn({ err: error, reconciler: name, key, failures: count }, 'not reconciled; trying again');
      plan(key, Math.min(longestRetryMs, firstRetryMs * 2 ** count));
    }
  };

  const pause = async (signal: AbortSignal): Promise<void> => {
    const woken = new AbortController();
    wake = () => woken.abort();
    const ms = due.size === 0 ? idleMs : Math.max(0, Math.min(...due.values()) - clock.monotonic());
    await clock.sleep(ms, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
  };

  return {
    request: (key) => plan(key, debounceMs),
    run: async ({ signal }) => {
      while (!signal.aborted) {
        const now = clock.monotonic();
        const ready = [...due].flatMap(([key, at]) => (at <= now ? [key] : [])).slice(0, atOnce);
        for (const key of ready) due.delete(key);
        if (ready.length === 0) await pause(signal);
        else await Promise.all(ready.map(attempt));
      }
    },
  };
}
