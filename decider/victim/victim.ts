import { budgetParams } from '../budget/params.ts';
import { bytesToMove, migrationMs, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import type { Finding } from '../overload/overload.ts';
import { bytes, cores, duration, percent, round } from '../pipeline/format.ts';
import { type Candidate, maxCandidates, pass, type StageResult, stop } from '../pipeline/stage.ts';
import { leaving } from '../world/flights.ts';
import { type Flight, type NodeState, ratioOf, type World } from '../world/model.ts';
import { type FilterContext, objection } from './filters.ts';
import { victimParams } from './params.ts';
import { type Eligible, victimSelections } from './selections.ts';

export interface Victim extends Eligible {
  excess: Excess;
}

/** What has to leave: cores or bytes, by what is short. */
interface Excess {
  resource: 'cpu' | 'memory';
  amount: number;
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
  const candidates = describeAll(ranked, refused, excess);
  const best = ranked[0];
  const terms = { excess: round(excess.amount), resource: excess.resource, eligible: ranked.length };
  if (!best) return stop('victim', 'none', { summary: noneSummary(node, refused), terms, candidates });
  return pass('victim', { ...best, excess }, { summary: summaryOf(best, excess), terms, candidates });
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

const amountText = (excess: Excess, amount: number): string =>
  excess.resource === 'cpu' ? cores(amount) : bytes(amount);

function summaryOf(victim: Eligible, excess: Excess): string {
  const frees = `${victim.workload.name} frees ${amountText(excess, victim.frees)}`;
  const why = victim.covers
    ? `is the cheapest to move that covers the excess of ${amountText(excess, excess.amount)}`
    : `frees most for its migration time, though none covers the excess of ${amountText(excess, excess.amount)}`;
  return `${frees} and ${why}; moving takes about ${duration(victim.migrationMs)}`;
}

function noneSummary(node: NodeState, refused: readonly Candidate[]): string {
  const first = refused[0];
  if (!first) return `no workload of ${node.name} would free anything`;
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  return `no workload of ${node.name} may be taken: ${first.name}: ${first.reason}${more}`;
}

function describeAll(ranked: readonly Eligible[], refused: readonly Candidate[], excess: Excess): Candidate[] {
  const able = ranked.slice(0, maxCandidates).map((victim, rank) => ({
    name: victim.workload.name,
    chosen: rank === 0,
    reason: rank === 0 ? 'chosen' : victim.covers ? 'covers the excess, dearer to move' : `frees less than the excess`,
    terms: {
      frees: round(victim.frees),
      freesShare: excess.amount > 0 ? percent(victim.frees / excess.amount) : null,
      priority: victim.facts.priority,
      migrationMs: round(victim.migrationMs, 0),
    },
  }));
  return [...able, ...refused.slice(0, maxCandidates - Math.min(able.length, maxCandidates - 1))].slice(
    0,
    maxCandidates,
  );
}
