import { createKeyedQueue } from '../../lib/keyed-queue.ts';

/** Work of one migration goes one after the other, that of others side by side. */
export interface Turns {
  take<T>(migration: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Stops what is under way and what waits for its turn; what comes later is not touched. */
  interrupt(migration: string, reason: Error): void;
}

export function createTurns(): Turns {
  const inTurn = createKeyedQueue();
  const known = new Map<string, Set<AbortController>>();
  return {
    take: async (migration, work) => {
      const controller = new AbortController();
      const all = known.get(migration) ?? new Set();
      known.set(migration, all.add(controller));
      try {
        return await inTurn(migration, () => {
          controller.signal.throwIfAborted();
          return work(controller.signal);
        });
      } finally {
        all.delete(controller);
        if (all.size === 0) known.delete(migration);
      }
    },
    interrupt: (migration, reason) => {
      for (const controller of known.get(migration) ?? []) controller.abort(reason);
    },
  };
}
