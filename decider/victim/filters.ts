import { restsUntil } from '../budget/cool-down.ts';
import type { BudgetParams } from '../budget/params.ts';
import { duration } from '../pipeline/format.ts';
import type { Flight, Move, WorkloadFacts, WorkloadState } from '../world/model.ts';
import type { VictimParams } from './params.ts';

export interface FilterContext {
  now: number;
  /** By workload. */
  flights: ReadonlyMap<string, Flight>;
  history: ReadonlyMap<string, Move[]>;
  params: VictimParams;
  budgets: BudgetParams;
}

type Filter = (workload: WorkloadState, facts: WorkloadFacts, context: FilterContext) => string | undefined;

/** Each says in a few words why a workload may not be taken, or nothing. The first objection counts. */
const filters: readonly Filter[] = [
  (_, facts) => (facts.migrate ? undefined : 'its owner forbids it (migrate: false)'),
  (_, facts) => facts.obstacle,
  (workload, _, { flights }) => {
    const flight = flights.get(workload.name);
    return flight && `it is under way already (${flight.migration})`;
  },
  (_, facts, { params }) =>
    facts.priority >= params.priorityThreshold ? `its priority ${facts.priority} protects it` : undefined,
  (_, facts, { now, params }) => {
    const ageMs = now - facts.startedAt;
    return ageMs < params.minAgeMs ? `it is only ${duration(Math.max(0, ageMs))} old` : undefined;
  },
  (workload, _, { now, history, budgets }) => {
    const until = restsUntil(history.get(workload.name) ?? [], budgets, now);
    return until > now ? `it rests for another ${duration(until - now)} after its last move` : undefined;
  },
];

/** Why `workload` may not be taken; undefined when it may. Without facts its node's migrator does not know it. */
export function objection(
  workload: WorkloadState,
  facts: WorkloadFacts | undefined,
  context: FilterContext,
): string | undefined {
  if (!facts) return "the node's migrator does not know it";
  for (const filter of filters) {
    const reason = filter(workload, facts, context);
    if (reason) return reason;
  }
  return undefined;
}
