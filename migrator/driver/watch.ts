import type { Store } from '../../lib/bus/kv.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Patience } from './persist.ts';

export interface MigrationWatch {
  /** Highest epoch that any stored migration was commanded in, once the watch has heard of `revision`. @throws E_BUS */
  highestEpochAt(revision: number): Promise<number>;
  /** From now on `onChange` hears of this migration's stored states, and of no other's. */
  follow(migration: string, onChange: (state: SagaState) => void): void;
}

const restartMs = 500;
const longestLagMs = 5000;

/** Watches all stored migrations: the epochs that they were commanded in, and what others write about the one in hand. */
export function watchMigrations(store: Store<SagaState>, { clock, log, signal }: Patience): MigrationWatch {
  let highest = 0;
  let heard = 0;
  let followed: { migration: string; onChange: (state: SagaState) => void } | undefined;
  const watch = async (): Promise<void> => {
    for await (const { key, value, revision } of store.watch({ signal })) {
      heard = Math.max(heard, revision);
      highest = Math.max(highest, value?.command.epoch ?? 0);
      if (value && followed?.migration === key) followed.onChange(value);
    }
  };
  const forEver = async (): Promise<void> => {
    while (!signal.aborted) {
      await watch().catch((error: unknown) => log.warn({ err: error }, 'watch of migrations ended; watching again'));
      await clock.sleep(restartMs, { signal }).catch(() => {});
    }
  };
  void forEver();
  return {
    highestEpochAt: async (revision) => {
      const end = clock.monotonic() + longestLagMs;
      while (heard < revision) {
        if (clock.monotonic() > end) throw new GodwitError('E_BUS', 'the watch of migrations lags behind');
        await clock.sleep(2, { signal });
      }
      return highest;
    },
    follow: (migration, onChange) => {
      followed = { migration, onChange };
    },
  };
}
