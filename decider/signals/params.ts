import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface SignalParams {
  timeConstantMs: number;
  expirationMs: number;
  missedPeriods: number;
  /** Samples farther apart than this, or than `missedPeriods`, do not join. */
  gapMs: number;
}

export const signalParams = (spec: PolicySpec): SignalParams => ({
  timeConstantMs: spec.signals.timeConstant,
  expirationMs: spec.signals.nodeMetricExpirationSeconds * 1000,
  missedPeriods: spec.signals.missedPeriods,
  gapMs: spec.overload.anomalyCondition.timeout,
});
