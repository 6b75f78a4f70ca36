import type { Logger } from '../../lib/logger.ts';

export interface Turns {
  /** Has the work of that key done, now or as soon as the turn under way has ended. */
  poke(key: string): void;
  /** Resolves when no turn is under way. */
  idle(): Promise<void>;
}

/** One turn at a time for each key; any number of pokes during one lead to one more. A failure is logged: somebody will poke again. */
export function createTurns(work: (key: string) => Promise<void>, log: Logger): Turns {
  const poked = new Map<string, boolean>();
  const running = new Set<Promise<void>>();

  const turn = async (key: string): Promise<void> => {
    do {
      poked.set(key, false);
      try {
        await work(key);
      } catch (error) {
        log.warn({ err: error, key }, 'not reconciled; trying again');
      }
    } while (poked.get(key));
    poked.delete(key);
  };

  return {
    poke: (key) => {
      const known = poked.has(key);
      poked.set(key, true);
      if (known) return;
      const under = turn(key);
      running.add(under);
      void under.then(() => running.delete(under));
    },
    idle: async () => {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
