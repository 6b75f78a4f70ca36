import type { Logger } from '../lib/logger.ts';

/** Counts containers that can not be watched; says so once a container and reason, in one line a scan and reason. */
export interface Complaints {
  add(id: string, reason: string, error?: unknown): void;
  /** Logs what is new. */
  report(): void;
  /** Forgets the ids that are not among these: should they come back, that is said again. */
  keep(present: ReadonlySet<string>): void;
}

interface Complaint {
  reason: string;
  error: unknown;
}

export function createComplaints(log: Logger): Complaints {
  const known = new Map<string, Complaint>();
  const fresh = new Map<string, string[]>();
  const count = (reason: string): number => [...known.values()].filter((one) => one.reason === reason).length;
  return {
    add: (id, reason, error) => {
      if (known.get(id)?.reason === reason) return;
      known.set(id, { reason, error });
      fresh.set(reason, [...(fresh.get(reason) ?? []), id]);
    },
    report: () => {
      for (const [reason, ids] of fresh) {
        const err = known.get(ids[0] ?? '')?.error;
        log.warn({ reason, containers: ids.slice(0, 3), count: count(reason), err }, 'containers that are not watched');
      }
      fresh.clear();
    },
    keep: (present) => {
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
    },
  };
}
