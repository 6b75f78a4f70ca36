import type { Decision } from '../lib/contract/decision.ts';
import type { MigrationEvent } from '../lib/contract/migration.ts';
import { applyDecision, applyMigration } from './world/apply.ts';
import type { World } from './world/model.ts';

/** What the streams tell of earlier decisions, this leader's and others'. */
export interface Past {
  decision(decision: Decision): void;
  event(event: MigrationEvent): void;
  highestEpoch(): number;
  /** Of the migrations in the queue of commands those whose decisions were lost with the server that was to store them. */
  unrecorded(queued: Iterable<string>): string[];
  /** Decisions to move without a command: none lies in the queue, and no event tells of one. */
  uncommanded(queued: Pick<ReadonlySet<string>, 'has'>): Decision[];
}

/** A decision to move that has not ended. */
interface Open {
  decision: Decision;
  /** An event has shown that a migrator took the command up. */
  taken: boolean;
}

export function createPast(world: World): Past {
  const open = new Map<string, Open>();
  let highest = 0;
  return {
    decision: (decision) => {
      const { epoch, migration, lapsed } = decision;
      highest = Math.max(highest, epoch);
      if (lapsed) {
        open.delete(lapsed);
        if (world.flights.get(lapsed)?.started === false) world.flights.delete(lapsed);
        return;
      }
      if (migration && !open.has(migration) && !world.ended.has(migration))
        open.set(migration, { decision, taken: world.flights.get(migration)?.started === true });
      applyDecision(world, decision);
    },
    event: (event) => {
      highest = Math.max(highest, event.epoch);
      applyMigration(world, event);
      const known = open.get(event.id);
      if (known) known.taken = true;
      if (world.ended.has(event.id)) open.delete(event.id);
    },
    highestEpoch: () => highest,
    unrecorded: (queued) => [...queued].filter((id) => !open.has(id) && !world.ended.has(id)),
    uncommanded: (queued) =>
      [...open].flatMap(([migration, { decision, taken }]) => (taken || queued.has(migration) ? [] : [decision])),
  };
}
