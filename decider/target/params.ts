import type { Tier } from '../../lib/contract/names.ts';
import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface TargetParams {
  tiers: readonly Tier[];
  selection: PolicySpec['target']['selection'];
  /** Shares of its capacity that a target may reach. */
  fill: { cpu: number; memory: number };
  weights: { cpu: number; memory: number };
  priceWeight: number;
  roundTripWeight: number;
  nodes: PolicySpec['target']['nodes'];
  inboundPerNode: number;
}

export const targetParams = ({ target, budgets }: PolicySpec): TargetParams => ({
  tiers: target.tiers,
  selection: target.selection,
  fill: target.fillThresholds,
  weights: target.resourceWeights,
  priceWeight: target.priceWeight,
  roundTripWeight: target.roundTripWeight,
  nodes: target.nodes,
  inboundPerNode: budgets.parallelInboundMigrationsPerNode,
});
