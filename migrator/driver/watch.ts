import type { Store } from '../../lib/bus/kv.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import type { Patience } from './persist.ts';

export interface MigrationWatch {
  highestEpoch(): number;
  /** Resolves when somebody asks to cancel that migration; only the last one asked for is watched. */
  cancellationOf(migration: string): PromiseWithResolvers<void>;
}

const restartMs = 500;

/** Follows all stored migrations: for the epochs that they were commanded in, and for requests to cancel. */
export function watchMigrations(store: Store<SagaState>, { clock, log, signal }: Patience): MigrationWatch {
  let highest = 0;
  let watched: { migration: string; cancelled: PromiseWithResolvers<void> } | undefined;
  const follow = async (): Promise<void> => {
    for await (const { key, value } of store.watch({ signal })) {
      highest = Math.max(highest, value?.command.epoch ?? 0);
      if (value?.cancelRequested && watched?.migration === key) watched.cancelled.resolve();
    }
  };
  const forEver = async (): Promise<void> => {
    while (!signal.aborted) {
      await follow().catch((error: unknown) => log.warn({ err: error }, 'watch of migrations ended; watching again'));
      await clock.sleep(restartMs, { signal }).catch(() => {});
    }
  };
  void forEver();
  return {
    highestEpoch: () => highest,
    cancellationOf: (migration) => {
      watched = { migration, cancelled: Promise.withResolvers<void>() };
      return watched.cancelled;
    },
  };
}
