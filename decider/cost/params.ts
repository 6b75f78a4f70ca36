import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

/** Prices in USD. */
export interface CostParams {
  enabled: boolean;
  margin: number;
  minResidenceMs: number;
  returnProbability: number;
  perCoreHour: number;
  perGiBHour: number;
  perGBUp: number;
  perGBDown: number;
  penaltyPerCoreHour: number;
  penaltyPerDownSecond: number;
  outOfMemory: number;
  timeoutPerGiBMs: number;
}

export const costParams = ({ cost }: PolicySpec): CostParams => ({
  enabled: cost.enabled,
  margin: cost.margin,
  minResidenceMs: cost.minResidence,
  returnProbability: cost.returnProbability,
  perCoreHour: cost.pricePerCoreHour,
  perGiBHour: cost.pricePerGiBHour,
  perGBUp: cost.pricePerGBUp,
  perGBDown: cost.pricePerGBDown,
  penaltyPerCoreHour: cost.penaltyPerCoreHour,
  penaltyPerDownSecond: cost.penaltyPerDownSecond,
  outOfMemory: cost.outOfMemoryCost,
  timeoutPerGiBMs: cost.completionTimeoutPerGiB,
});
