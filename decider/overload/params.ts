import type { Tier } from '../../lib/contract/names.ts';
import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface OverloadParams {
  detector: PolicySpec['overload']['detector'];
  tiers: readonly Tier[];
  trigger: { cpu: number; memory: number };
  immediateMemory: number;
  /** Undefined: workloads are not held against their own limits. */
  workload: { cpu: number; throttled: number } | undefined;
  hold: HoldParams;
}

export interface HoldParams {
  abnormalities: number;
  normalities: number;
}

export const overloadParams = ({ overload }: PolicySpec): OverloadParams => ({
  detector: overload.detector,
  tiers: overload.tiers,
  trigger: overload.targetThresholds,
  immediateMemory: overload.immediateThresholds.memory,
  workload: overload.workloadThresholds.enabled ? overload.workloadThresholds : undefined,
  hold: {
    abnormalities: overload.anomalyCondition.consecutiveAbnormalities,
    normalities: overload.anomalyCondition.consecutiveNormalities,
  },
});
