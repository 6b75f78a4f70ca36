import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `check` gives something other than `false` or nothing; tells its last fault when it never does. */
export async function eventually<T>(
  check: () => Promise<T>,
  withinMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + withinMs;
  for (;;) {
    let fault: unknown = 'the condition never held';
    try {
      const found = await check();
      if (found !== undefined && found !== null && found !== false) return found as NonNullable<Exclude<T, false>>;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms`, { cause: fault });
    await delay(20);
  }
}
