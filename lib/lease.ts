import { z } from 'zod';
import type { Store, Versioned } from './bus/kv.ts';
import type { Clock } from './clock.ts';
import { hasCode } from './errors.ts';
import type { Logger } from './logger.ts';

/** Value of key `decider` in the bucket `leases`; in a cluster, what a Lease object says. */
export const leaseSchema = z.object({
  /** Random per process; empty: given up. */
  holder: z.string(),
  epoch: z.number().int().positive(),
  renewals: z.number().int().nonnegative(),
});
export type LeaseValue = z.infer<typeof leaseSchema>;

/** Compare-and-set by revision: E_CONFLICT when somebody else was first. */
export type LeaseStore = Pick<Store<LeaseValue>, 'get' | 'create' | 'update'>;

export interface LeaseOptions {
  store: LeaseStore;
  key: string;
  holder: string;
  leaseMs: number;
  /** Highest epoch that was ever seen in a message; a lost bucket must not bring old terms back. */
  epochFloor(): number;
  clock: Clock;
  log: Logger;
}

export interface Lease {
  /** The term of this leader; undefined as soon as it could have lapsed. */
  epoch(): number | undefined;
  /** Seeks and keeps the lease until `signal` is aborted, then gives it up. While it `mayLead` not, it only watches the holder. */
  run(options: { mayLead(): boolean; onLead(epoch: number): void; signal: AbortSignal }): Promise<void>;
}

/**
 * Leadership by compare-and-set. A standby takes over when it has seen no renewal for `leaseMs` of its own monotonic clock; a leader
 * counts from the start of its last renewal, and stops a tenth earlier, so that no two ever hold the lease, whatever their clocks say.
 */
export function createLease(options: LeaseOptions): Lease {
  const { store, key, holder, leaseMs, clock, log } = options;
  /** Short, so that a lease that was given up does not lie idle. */
  const seekEveryMs = Math.min(leaseMs / 10, 500);
  let held: Versioned<LeaseValue> | undefined;
  let validUntil = 0;
  let observed: { revision: number; since: number } | undefined;

  const epoch = (): number | undefined => (held && clock.monotonic() < validUntil ? held.value.epoch : undefined);

  const write = async (value: LeaseValue, revision?: number): Promise<void> => {
    const started = clock.monotonic();
    const written = revision === undefined ? await store.create(key, value) : await store.update(key, value, revision);
    held = { key, value, revision: written };
    validUntil = started + leaseMs * 0.9;
  };

  const renew = async (current: Versioned<LeaseValue>): Promise<void> => {
    try {
      await write({ ...current.value, renewals: current.value.renewals + 1 }, current.revision);
    } catch (error) {
      if (hasCode(error, 'E_CONFLICT') || epoch() === undefined) {
        log.warn({ err: error, epoch: current.value.epoch }, 'leadership lost');
        held = undefined;
      } else log.warn({ err: error }, 'lease not renewed; trying again');
    }
  };

  const seek = async (mayLead: () => boolean): Promise<void> => {
    const entry = await store.get(key);
    if (entry && observed?.revision !== entry.revision)
      observed = { revision: entry.revision, since: clock.monotonic() };
    if (!mayLead()) return;
    const next = { holder, epoch: Math.max(entry?.value.epoch ?? 0, options.epochFloor()) + 1, renewals: 0 };
    if (!entry || !observed) return write(next);
    const lapsed = clock.monotonic() - observed.since >= leaseMs;
    // its own: a renewal was stored whose answer got lost
    const free = ['', holder].includes(entry.value.holder);
    if (free || lapsed) await write(next, entry.revision);
  };

  const giveUp = async (): Promise<void> => {
    const current = held;
    held = undefined;
    if (!current) return;
    const value = { ...current.value, holder: '', renewals: current.value.renewals + 1 };
    await store
      .update(key, value, current.revision)
      .catch((error: unknown) => log.warn({ err: error }, 'lease not given up'));
  };

  return {
    epoch,
    run: async ({ mayLead, onLead, signal }) => {
      while (!signal.aborted) {
        if (held) await renew(held);
        else {
          await seek(mayLead).catch((error: unknown) => {
            if (!hasCode(error, 'E_CONFLICT')) log.warn({ err: error }, 'lease not readable; trying again');
          });
          const term = epoch();
          if (term !== undefined) {
            log.info({ epoch: term, holder }, 'leading');
            onLead(term);
          }
        }
        await clock.sleep(held ? leaseMs / 3 : seekEveryMs, { signal }).catch(() => undefined);
      }
      await giveUp();
    },
  };
}
