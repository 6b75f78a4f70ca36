import { GodwitError } from '../../lib/errors.ts';
import type { MigrationWatch } from './watch.ts';

export interface Others {
  /** Resolves when somebody asks to cancel. */
  cancelled: Promise<void>;
  cancel(): void;
  /** Rejects with E_STALE when another driver has stored a higher term than this driver's own. */
  superseded: Promise<never>;
  ownTerm(term: number): void;
}

/** What others write about a migration, heard while this driver waits for an agent. What is missed here, its next write meets. */
export function hearOthers(migration: string, watch: MigrationWatch): Others {
  const cancelled = Promise.withResolvers<void>();
  const superseded = Promise.withResolvers<never>();
  superseded.promise.catch(() => {});
  let own = Number.POSITIVE_INFINITY;
  watch.follow(migration, ({ cancelRequested, term, driver }) => {
    if (cancelRequested) cancelled.resolve();
    if (term > own)
      superseded.reject(new GodwitError('E_STALE', `${driver} drives ${migration} by now: term ${own} is over`));
  });
  return {
    cancelled: cancelled.promise,
    cancel: cancelled.resolve,
    superseded: superseded.promise,
    ownTerm: (term) => {
      own = term;
    },
  };
}
