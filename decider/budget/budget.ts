import { pass, type StageResult, stop } from '../pipeline/stage.ts';
import type { Flight, NodeState } from '../world/model.ts';
import type { BudgetParams } from './params.ts';

interface Limit {
  reason: string;
  used: number;
  allowed: number;
  what: string;
}

/** Whether one more migration may start now: in the whole cluster, out of the source's site, into the target. */
export function checkBudget(
  move: { source: NodeState; target: NodeState },
  flights: readonly Flight[],
  params: BudgetParams,
): StageResult<undefined> {
  if (params.paused) return stop('budget', 'paused', { summary: 'the policy is paused' });
  const limits = limitsOf(move, flights, params);
  const terms = Object.fromEntries(
    limits.flatMap(({ reason, used, allowed }) => [
      [reason, used],
      [`${reason}Limit`, allowed],
    ]),
  );
  const full = limits.find((limit) => limit.used >= limit.allowed);
  if (full)
    return stop('budget', full.reason, {
      summary: `${full.what}: ${full.used} of ${full.allowed} migrations are under way`,
      terms,
    });
  return pass('budget', undefined, { summary: 'every budget has room for one more migration', terms });
}

function limitsOf(
  { source, target }: { source: NodeState; target: NodeState },
  flights: readonly Flight[],
  params: BudgetParams,
): Limit[] {
  const outbound = flights.filter((flight) => flight.site === source.site).length;
  const inbound = flights.filter((flight) => flight.target === target.name).length;
  return [
    { reason: 'cluster', used: flights.length, allowed: params.perCluster, what: 'in the whole cluster' },
    { reason: 'site', used: outbound, allowed: params.outboundPerSite, what: `out of site ${source.site}` },
    { reason: 'target', used: inbound, allowed: params.inboundPerNode, what: `into ${target.name}` },
  ];
}
