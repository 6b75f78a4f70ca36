import { describe, expect, test } from 'vitest';
import type { Store, Versioned } from './bus/kv.ts';
import type { Clock } from './clock.ts';
import { GodwitError } from './errors.ts';
import { createLease, type Lease, type LeaseValue } from './lease.ts';
import { createLogger } from './logger.ts';

const leaseMs = 3000;

/** Time that moves only when it is told to; sleepers wake in their order. */
function handClock() {
  let now = 0;
  let sleepers: { at: number; wake(): void }[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, options) =>
      new Promise((resolve) => {
        sleepers.push({ at: now + ms, wake: resolve });
        options?.signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const advance = async (ms: number): Promise<void> => {
    await settle();
    for (const end = now + ms; now < end; await settle()) {
      now = Math.min(end, ...sleepers.map(({ at }) => at));
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
    }
  };
  return { clock, advance };
}

/** One key with compare-and-set, that can be made unreachable for a holder. */
function sharedKey() {
  let entry: Versioned<LeaseValue> | undefined;
  const put = (value: LeaseValue): number => {
    entry = { key: 'decider', value, revision: (entry?.revision ?? 0) + 1 };
    return entry.revision;
  };
  const storeFor = (reachable: () => boolean): Store<LeaseValue> => {
    const check = (revision: number): void => {
      if (!reachable()) throw new GodwitError('E_BUS', 'unreachable');
      if ((entry?.revision ?? 0) !== revision) throw new GodwitError('E_CONFLICT', 'changed by somebody else');
    };
    const partial: Partial<Store<LeaseValue>> = {
      get: async () => {
        if (!reachable()) throw new GodwitError('E_BUS', 'unreachable');
        return entry;
      },
      create: async (_, value) => {
        check(0);
        return put(value);
      },
      update: async (_, value, revision) => {
        check(revision);
        return put(value);
      },
    };
    return partial as Store<LeaseValue>;
  };
  return { storeFor, value: () => entry?.value };
}

function scene() {
  const { clock, advance } = handClock();
  const key = sharedKey();
  const start = (holder: string, floor = 0, ready = true) => {
    const link = { up: true, ready };
    const controller = new AbortController();
    const log = createLogger('test', { level: 'silent' });
    const store = key.storeFor(() => link.up);
    const lease: Lease = createLease({ store, key: 'decider', holder, leaseMs, epochFloor: () => floor, clock, log });
    const terms: number[] = [];
    const running = lease.run({
      mayLead: () => link.ready,
      onLead: (epoch) => terms.push(epoch),
      signal: controller.signal,
    });
    const stop = async (): Promise<void> => {
      controller.abort();
      await running;
    };
    return { lease, link, terms, stop };
  };
  return { advance, key, start };
}

const leads = ({ lease }: { lease: Lease }): boolean => lease.epoch() !== undefined;

describe('lease', () => {
  test('one leads and goes on leading; the other waits', async () => {
    const { advance, start } = scene();
    const [a, b] = [start('a'), start('b')];
    for (let time = 0; time < 10; time++) {
      await advance(leaseMs);
      expect([a.lease.epoch(), b.lease.epoch()]).toEqual([1, undefined]);
    }
    expect(a.terms).toEqual([1]);
  });

  test('never two at a time, though the leader is cut off, comes back, and is cut off again', async () => {
    const { advance, start } = scene();
    const all = [start('a'), start('b')];
    const seen = new Set<number>();
    for (let tick = 0; tick < 400; tick++) {
      // cut off while it leads, for three seconds of every five
      for (const one of all) if (tick % 50 === 10 || tick % 50 === 40) one.link.up = !leads(one) || tick % 50 === 40;
      await advance(100);
      const [leader, other] = all.filter(leads);
      expect(other).toBeUndefined();
      seen.add(leader?.lease.epoch() ?? 0);
    }
    expect(seen.size).toBeGreaterThan(3);
  });

  test('a leader that can not renew stops before another may begin', async () => {
    const { advance, start } = scene();
    const a = start('a');
    await advance(100);
    const b = start('b');
    await advance(100);
    a.link.up = false;
    await advance(leaseMs * 0.9);
    expect([a.lease.epoch(), b.lease.epoch()]).toEqual([undefined, undefined]);
    await advance(leaseMs * 2);
    expect([a.lease.epoch(), b.lease.epoch()]).toEqual([undefined, 2]);
  });

  test('given up, it is free at once', async () => {
    const { advance, start, key } = scene();
    const a = start('a');
    await advance(10);
    await a.stop();
    expect(key.value()?.holder).toBe('');
    const b = start('b');
    await advance(10);
    expect(b.lease.epoch()).toBe(2);
  });

  test('one that may not lead yet leaves it alone, and has watched the holder by the time it may', async () => {
    const { advance, start } = scene();
    const a = start('a');
    await advance(100);
    const b = start('b', 0, false);
    a.link.up = false;
    await advance(leaseMs * 2);
    expect([a.lease.epoch(), b.lease.epoch()]).toEqual([undefined, undefined]);
    b.link.ready = true;
    await advance(leaseMs / 10);
    expect(b.lease.epoch()).toBe(2);
  });

  test('a term is higher than all that were ever seen', async () => {
    const { advance, start } = scene();
    const a = start('a', 41);
    await advance(10);
    expect(a.lease.epoch()).toBe(42);
  });
});
