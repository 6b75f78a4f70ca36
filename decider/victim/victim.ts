import { budgetParams } from '../budget/params.ts';
import { bytesToMove, migrationMs, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import type { Finding } from '../overload/overload.ts';
import { round } from '../pipeline/format.ts';
import { type Candidate, pass, type StageResult, stop } from '../pipeline/stage.ts';
import { leaving } from '../world/flights.ts';
import { type Flight, type NodeState, ratioOf, type World } from '../world/model.ts';
import { type FilterContext, objection } from './filters.ts';
import { victimParams } from './params.ts';
import { candidatesOf, chosenSummary, type Excess, noneSummary } from './report.ts';
import { type Eligible, victimSelections } from './selections.ts';

export interface Victim extends Eligible {
  excess: Excess;
}

/** Reason in a word: those that are leaving already suffice. */
export const beingRelieved = 'in-flight';

/** The workload that should leave `node`, once those that are leaving already have been taken off. */
export function chooseVictim(
  world: World,
  node: NodeState,
  finding: Finding,
  flights: readonly Flight[],
  now: number,
): StageResult<Victim> {
  const params = victimParams(world.policy.spec);
  const excess = excessOf(node, finding, flights, params.release);
  if (!excess) return relieved(node, flights);
  const context = { now, flights, history: world.history, params, budgets: budgetParams(world.policy.spec) };
  const { eligible, refused } = sift(world, node, finding, excess, context);
  const ranked = eligible.sort(victimSelections[params.selection]);
  const candidates = candidatesOf(ranked, refused, excess);
  const best = ranked[0];
  const terms = { excess: round(excess.amount), resource: excess.resource, eligible: ranked.length };
  if (!best) return stop('victim', 'none', { summary: noneSummary(node.name, refused), terms, candidates });
  return pass('victim', { ...best, excess }, { summary: chosenSummary(best, excess), terms, candidates });
}

function relieved(node: NodeState, flights: readonly Flight[]): StageResult<never> {
  const ids = flights.filter((flight) => flight.source === node.name).map((flight) => flight.migration);
  return stop('victim', beingRelieved, {
    summary: `what is leaving already relieves ${node.name} (${ids.join(', ')})`,
  });
}

/** Undefined when the node stands within its trigger without those that are leaving. */
function excessOf(
  node: NodeState,
  finding: Finding,
  flights: readonly Flight[],
  release: { cpu: number; memory: number },
): Excess | undefined {
  if (finding.kind === 'workload') {
    const workload = node.workloads.get(finding.workload ?? '');
    if (!workload || flights.some((flight) => flight.workload === workload.name)) return undefined;
    return { resource: 'cpu', amount: Math.max(workload.cores - release.cpu * workload.limitCores, 0) };
  }
  const off = leaving(node, flights);
  const { mean, latest, capacity } = node[finding.kind];
  const level = finding.immediate ? latest : mean;
  const relief = finding.kind === 'cpu' ? off.cores : off.memoryBytes;
  const rest = level - relief;
  if (relief > 0 && ratioOf(rest, capacity) <= finding.threshold) return undefined;
  return { resource: finding.kind, amount: rest - release[finding.kind] * capacity };
}

function sift(world: World, node: NodeState, finding: Finding, excess: Excess, context: FilterContext) {
  const transfer = transferParams(world.policy.spec);
  const rate = usableBytesPerSecond(world, { source: node }, context.flights, transfer);
  const eligible: Eligible[] = [];
  const refused: Candidate[] = [];
  for (const workload of node.workloads.values()) {
    if (finding.kind === 'workload' && workload.name !== finding.workload) continue;
    const facts = node.record?.workloads.get(workload.name);
    const reason = objection(workload, facts, context);
    if (reason || !facts) {
      refused.push({ name: workload.name, chosen: false, reason: reason ?? '', terms: {} });
      continue;
    }
    const frees = excess.resource === 'cpu' ? workload.cores : workload.memoryBytes;
    if (frees <= 0) continue;
    const size = bytesToMove(workload.memoryBytes, facts);
    const covers = finding.kind === 'workload' || frees >= excess.amount;
    eligible.push({ workload, facts, frees, covers, bytes: size, migrationMs: migrationMs(size, rate, transfer) });
  }
  return { eligible, refused };
}
