import { percent, round } from '../pipeline/format.ts';
import { type Candidate, maxCandidates, pass, type StageResult, stop } from '../pipeline/stage.ts';
import { signalParams } from '../signals/params.ts';
import type { Flight, NodeState, World } from '../world/model.ts';
import { type Forecast, forecast, misfit, type Need, unusable } from './fit.ts';
import { type TargetParams, targetParams } from './params.ts';

interface Fitting {
  node: NodeState;
  after: Forecast;
  score: number;
}

export interface Placement {
  need: Need;
  source: NodeState;
  /** Shares of its capacity that a target may reach. */
  ceiling: { cpu: number; memory: number };
  now: number;
}

/** The best node of the target tiers that can take `need` without being overloaded by it. */
export function chooseTarget(world: World, placement: Placement, flights: readonly Flight[]): StageResult<NodeState> {
  const params = targetParams(world.policy.spec);
  const fitting: Fitting[] = [];
  const refused: Candidate[] = [];
  // a burst has hundreds of flights: each target looks at its own only
  const inboundOf = Map.groupBy(flights, ({ target }) => target);
  for (const node of params.tiers.flatMap((tier) => [...world.tiers[tier]])) {
    if (node === placement.source) continue;
    const inbound = inboundOf.get(node.name) ?? [];
    const reason = refusal(world, node, placement, inbound, params);
    if (reason) refused.push({ name: node.name, chosen: false, reason, terms: {} });
    else fitting.push(judge(node, placement.need, inbound, params));
  }
  fitting.sort((a, b) => b.score - a.score || (a.node.name < b.node.name ? -1 : 1));
  const candidates = [...fitting.map(describe), ...refused].slice(0, maxCandidates);
  const best = fitting[0];
  const terms = { fitting: fitting.length, refused: refused.length };
  if (!best) return stop('target', 'none', { summary: noneSummary(refused, params), terms, candidates });
  const summary = `${best.node.name} would stand at ${percent(best.after.cpuRatio)} CPU and ${percent(best.after.memoryRatio)} memory`;
  return pass('target', best.node, { summary, terms: { ...terms, score: round(best.score) }, candidates });
}

function refusal(
  world: World,
  node: NodeState,
  { source, need, ceiling, now }: Placement,
  inbound: readonly Flight[],
  params: TargetParams,
): string | undefined {
  const reason = unusable(source, node, now, signalParams(world.policy.spec));
  if (reason) return reason;
  if (inbound.length >= params.inboundPerNode) return `${inbound.length} migrations into it are under way`;
  return misfit(node, need, inbound, ceiling);
}

/** Weighted free share after the move, less price and round trip. */
function judge(node: NodeState, need: Need, inbound: readonly Flight[], params: TargetParams): Fitting {
  const after = forecast(node, need, inbound);
  const { cpu, memory } = params.weights;
  const free = ((1 - after.cpuRatio) * cpu + (1 - after.memoryRatio) * memory) / (cpu + memory || 1);
  const { pricePerCoreHour = 0, roundTripMs = 0 } = params.nodes[node.name] ?? {};
  const score = free - params.priceWeight * pricePerCoreHour - (params.roundTripWeight * roundTripMs) / 1000;
  return { node, after, score };
}

function describe({ node, after, score }: Fitting, rank: number): Candidate {
  return {
    name: node.name,
    chosen: rank === 0,
    reason: rank === 0 ? 'chosen' : 'fits, scores less',
    terms: { score: round(score), cpuRatio: round(after.cpuRatio), memoryRatio: round(after.memoryRatio) },
  };
}

function noneSummary(refused: readonly Candidate[], params: TargetParams): string {
  const first = refused[0];
  if (!first) return `there is no other node of tier ${params.tiers.join(' or ')}`;
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  return `no node can take it: ${first.name}: ${first.reason}${more}`;
}
