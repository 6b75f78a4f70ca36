import type { Store } from '../../lib/bus/kv.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import type { Patience } from './persist.ts';

export interface MigrationWatch {
  highestEpoch(): number;
  /** From now on `onChange` hears of this migration's stored states, and of no other's. */
  follow(migration: string, onChange: (state: SagaState) => void): void;
}

const restartMs = 500;

/** Watches all stored migrations: the epochs that they were commanded in, and what others write about the one in hand. */
export function watchMigrations(store: Store<SagaState>, { clock, log, signal }: Patience): MigrationWatch {
  let highest = 0;
  let followed: { migration: string; onChange: (state: SagaState) => void } | undefined;
  const watch = async (): Promise<void> => {
    for await (const { key, value } of store.watch({ signal })) {
      if (!value) continue;
      highest = Math.max(highest, value.command.epoch);
      if (followed?.migration === key) followed.onChange(value);
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
    highestEpoch: () => highest,
    follow: (migration, onChange) => {
      followed = { migration, onChange };
    },
  };
}
