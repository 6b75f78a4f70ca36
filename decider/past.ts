import type { Decision } from '../lib/contract/decision.ts';
import type { MigrationEvent } from '../lib/contract/migration.ts';
import { applyDecision, applyMigration } from './world/apply.ts';
import { isVoid } from './world/flights.ts';
import type { World } from './world/model.ts';

/** What the streams tell of earlier decisions, this leader's and others'. */
export interface Past {
  decision(decision: Decision): void;
  event(event: MigrationEvent): void;
  highestEpoch(): number;
  /** Decisions to move that no event confirms and that have not expired: their commands may never have been published. */
  unconfirmed(now: number): Decision[];
}

export function createPast(world: World): Past {
  const pending = new Map<string, Decision>();
  let highest = 0;
  return {
    decision: (decision) => {
      highest = Math.max(highest, decision.epoch);
      if (decision.migration && !world.ended.has(decision.migration)) pending.set(decision.migration, decision);
      applyDecision(world, decision);
    },
    event: (event) => {
      highest = Math.max(highest, event.epoch);
      pending.delete(event.id);
      applyMigration(world, event);
    },
    highestEpoch: () => highest,
    unconfirmed: (now) => {
      const open: Decision[] = [];
      for (const [migration, decision] of pending) {
        const flight = world.flights.get(migration);
        const expirationMs = world.policy.spec.budgets.commandExpiration;
        if (flight && !flight.started && now < decision.at + expirationMs) open.push(decision);
        if (!flight || isVoid(flight, now, expirationMs)) pending.delete(migration);
      }
      return open;
    },
  };
}
