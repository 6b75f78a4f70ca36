import type { Tier } from '../../lib/contract/names.ts';
import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import { type TransferParams, transferParams } from '../cost/migration-time.ts';
import type { DetectorParams } from './detector.ts';
import { type DetectorName, safetyParameters } from './detectors.ts';

export interface OverloadParams {
  detector: DetectorName;
  /** Parameters of the detector for each resource. */
  detectorParams: { cpu: DetectorParams; memory: DetectorParams };
  /** For how long a migration takes. */
  transfer: TransferParams;
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

export const overloadParams = (spec: PolicySpec): OverloadParams => ({
  detector: spec.overload.detector,
  detectorParams: { cpu: detectorParams(spec, 'cpu'), memory: detectorParams(spec, 'memory') },
  transfer: transferParams(spec),
  tiers: spec.overload.tiers,
  trigger: spec.overload.targetThresholds,
  immediateMemory: spec.overload.immediateThresholds.memory,
  workload: spec.overload.workloadThresholds.enabled ? spec.overload.workloadThresholds : undefined,
  hold: {
    abnormalities: spec.overload.anomalyCondition.consecutiveAbnormalities,
    normalities: spec.overload.anomalyCondition.consecutiveNormalities,
  },
});

const detectorParams = ({ overload }: PolicySpec, resource: 'cpu' | 'memory'): DetectorParams => ({
  threshold: overload.targetThresholds[resource],
  safetyParameter: overload.safetyParameter ?? safetyParameters[overload.detector],
  otf: overload.otf,
  pressure: overload.pressureThresholds[resource],
});
