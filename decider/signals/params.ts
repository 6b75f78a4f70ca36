import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import { historyLengths } from '../overload/detectors.ts';
import { historyLengths as victimHistoryLengths } from '../victim/selections.ts';

export interface SignalParams {
  timeConstantMs: number;
  expirationMs: number;
  missedPeriods: number;
  /** Samples farther apart than this, or than `missedPeriods`, do not join. */
  gapMs: number;
  /** Samples to keep of each node, and of each workload. */
  nodeHistory: number;
  workloadHistory: number;
}

/**
 * How far back samples tell of the present: a time constant of the averages (what lies before it weighs a third), and as many samples
 * of this interval as are counted or looked back on, with those that may be missing.
 */
export function lookBackMs(spec: PolicySpec, intervalMs: number): number {
  const { timeConstantMs, missedPeriods, nodeHistory, workloadHistory } = signalParams(spec);
  const samples = Math.max(spec.overload.anomalyCondition.consecutiveAbnormalities, nodeHistory, workloadHistory);
  return Math.max(timeConstantMs, (samples + missedPeriods) * intervalMs);
}

export const signalParams = (spec: PolicySpec): SignalParams => ({
  timeConstantMs: spec.signals.timeConstant,
  expirationMs: spec.signals.nodeMetricExpirationSeconds * 1000,
  missedPeriods: spec.signals.missedPeriods,
  gapMs: spec.overload.anomalyCondition.timeout,
  nodeHistory: historyLengths[spec.overload.detector],
  workloadHistory: victimHistoryLengths[spec.victim.selection],
});
