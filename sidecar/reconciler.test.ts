import { describe, expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import { createReconciler } from './reconciler.ts';

/** Time passes when everybody sleeps, unless `hold` is called. */
function scene(work: (key: string, attempt: number) => void | Promise<void> = () => undefined) {
  const state = { now: 0, stopped: new AbortController() };
  const looks: string[] = [];
  const clock: Clock = {
    now: () => state.now,
    monotonic: () => state.now,
    sleep: async (ms, { signal } = {}) => {
      if (ms >= 3_600_000) state.stopped.abort();
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      state.now += ms;
    },
  };
  const reconciler = createReconciler({
    name: 'test',
    debounceMs: 100,
    work: async (key) => {
      looks.push(`${key} at ${state.now}`);
      await work(key, looks.filter((look) => look.startsWith(`${key} `)).length);
    },
    clock,
    log: createLogger('test', { level: 'silent' }),
  });
  return { reconciler, state, looks, run: () => reconciler.run({ signal: state.stopped.signal }) };
}

describe('a reconciler', () => {
  test('looks once at what is asked for often, a moment after the first time', async () => {
    const { reconciler, state, looks, run } = scene();
    reconciler.request('a');
    state.now = 60;
    reconciler.request('a');
    reconciler.request('b');
    await run();
    expect(looks).toEqual(['a at 100', 'b at 160']);
  });

  test('looks again when something changes meanwhile, and not beside', async () => {
    let inside = 0;
    const { reconciler, looks, run } = scene(async (_, attempt) => {
      expect(++inside).toBe(1);
      if (attempt === 1) reconciler.request('a');
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
    reconciler.request('a');
    await run();
    expect(looks).toEqual(['a at 100', 'a at 200']);
  });

  test('tries again after a failure, later each time, and soon after the next success', async () => {
    const { reconciler, looks, run } = scene((_, attempt) => {
      if (attempt <= 3) throw new Error('not now');
    });
    reconciler.request('a');
    await run();
    expect(looks).toEqual(['a at 100', 'a at 350', 'a at 850', 'a at 1850']);
  });

  test('does not wait for the retry when something changes', async () => {
    const { reconciler, looks, run } = scene((_, attempt) => {
      if (attempt <= 5) throw new Error('not now');
      if (attempt === 6) reconciler.request('a');
    });
    reconciler.request('a');
    await run();
    expect(looks.at(-1)).toBe('a at 7950');
  });

  test('goes on with other keys while one fails', async () => {
    const { reconciler, looks, run } = scene((key, attempt) => {
      if (key === 'a' && attempt < 2) throw new Error('not now');
    });
    reconciler.request('a');
    reconciler.request('b');
    await run();
    expect(looks).toEqual(['a at 100', 'b at 100', 'a at 350']);
  });
});
