import { setTimeout as delay } from 'node:timers/promises';

/** Asks again and again until there is an answer; its last fault is told when there never is one. */
export async function until<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 25,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    let fault: unknown;
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > end) {
      const why = fault === undefined ? '' : `: ${fault instanceof Error ? fault.message : String(fault)}`;
      throw new Error(`waited ${deadlineMs} ms for ${what}${why}`, { cause: fault });
    }
    await delay(everyMs);
  }
}
