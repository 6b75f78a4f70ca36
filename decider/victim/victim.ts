import { budgetParams } from '../budget/params.ts';
import { expectedMs } from '../cost/learned.ts';
import { bytesToMove, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import { type Finding, outlasts } from '../overload/overload.ts';
import { overloadParams } from '../overload/params.ts';
import { round } from '../pipeline/format.ts';
import { type Candidate, pass, type StageResult, stop } from '../pipeline/stage.ts';
import { leaving } from '../world/flights.ts';
import type { Flight, NodeState, WorkloadFacts, WorkloadState, World } from '../world/model.ts';
import { type FilterContext, objection } from './filters.ts';
import { victimParams } from './params.ts';
import { candidatesOf, chosenSummary, type Excess, noneSummary } from './report.ts';
import { type Movable, rankVictims } from './selections.ts';

export interface Eligible extends Movable {
  workload: WorkloadState;
  facts: WorkloadFacts;
  bytes: number;
}

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
  const excess = excessOf(world, node, finding, flights, params.release);
  if (!excess) return relieved(node, flights);
  const own = flights.filter(({ workload }) => node.workloads.has(workload));
  const inFlight = new Map(own.map((flight) => [flight.workload, flight]));
  const context = { now, flights: inFlight, history: world.history, params, budgets: budgetParams(world.policy.spec) };
  const rate = usableBytesPerSecond({ source: node }, flights, transferParams(world.policy.spec));
  const { eligible, refused } = sift(world, node, finding, { excess, rate }, context);
  const ranked = rankVictims(params.selection, eligible, `${params.seed}/${node.name}/${node.sequence}`);
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

/** Undefined when the finding would not stand without those that are leaving. */
function excessOf(
  world: World,
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
  const relief = finding.kind === 'cpu' ? off.cores : off.memoryBytes;
  if (relief > 0 && !outlasts(finding, node, off, overloadParams(world.policy.spec))) return undefined;
  const { mean, capacity } = node[finding.kind];
  const measured = finding.measure === 'usage' || finding.measure === 'forecast';
  const level = measured ? finding.ratio * capacity : mean;
  const floor = measured ? Math.min(release[finding.kind], finding.threshold) : release[finding.kind];
  return { resource: finding.kind, amount: Math.max(0, level - relief - floor * capacity) };
}

function sift(
  world: World,
  node: NodeState,
  finding: Finding,
  { excess, rate }: { excess: Excess; rate: number },
  context: FilterContext,
) {
  const transfer = transferParams(world.policy.spec);
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
    const { name, history } = workload;
    const moveMs = expectedMs(world, facts.image, size, rate, transfer);
    const movable = { name, priority: facts.priority, frees, covers, migrationMs: moveMs };
    eligible.push({ ...movable, history, workload, facts, bytes: size });
  }
  return { eligible, refused };
}
