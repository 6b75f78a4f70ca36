import { defaultPolicy, type Policy } from '../../../lib/contract/policy.ts';
import type { PolicySpec } from '../../../lib/contract/policy-spec.ts';
import { type Baseline, parseBaseline } from '../../baseline/baseline.ts';

/** What monitors take as their interval where nothing else is said. */
const liveIntervalMs = 10_000;

/** The policies that have a name: `default`, `never`, and the baselines such as `LR-MMT-1.2`. @throws E_INPUT for a wrong baseline */
export function namedPolicy(name: string): Policy | undefined {
  if (name === 'default') return defaultPolicy();
  if (name === 'never') return { ...defaultPolicy(), name, spec: { ...defaultPolicy().spec, paused: true } };
  const baseline = parseBaseline(name);
  return baseline && baselinePolicy(baseline);
}

/** A baseline under the return rule of the protocol: at 0.60 for 30 minutes; two transfers at once, neither cost gate nor rest. */
function baselinePolicy({ name, detector, params, victim }: Baseline): Policy {
  const { spec } = defaultPolicy();
  const trigger = { cpu: params.threshold, memory: 1 };
  const anomalyCondition = {
    ...spec.overload.anomalyCondition,
    consecutiveAbnormalities: 1,
    consecutiveNormalities: 1,
  };
  return {
    name,
    version: name,
    spec: {
      ...spec,
      overload: {
        ...spec.overload,
        detector,
        safetyParameter: params.safetyParameter,
        otf: params.otf < 1 ? params.otf : spec.overload.otf,
        targetThresholds: trigger,
        anomalyCondition,
      },
      victim: { ...spec.victim, selection: victim, releaseThresholds: trigger },
      cost: { ...spec.cost, enabled: false, completionTimeoutPerGiB: Number.MAX_SAFE_INTEGER },
      budgets: {
        ...spec.budgets,
        parallelOutboundMigrationsPerSite: 2,
        minMigrationInterval: 0,
        migrationCooldown: 0,
        maxMigrationCooldown: 0,
      },
      returnHome: {
        ...spec.returnHome,
        returnThresholds: { cpu: 0.6, memory: 0.65 },
        stabilizationWindowSeconds: 1800,
      },
    },
  };
}

/**
 * A policy for samples that come more seldom than the monitors' own: what is said in seconds of samples (averages, freshness, gaps)
 * means as many samples as before. What is said of workloads and migrations stays as it is.
 */
export function inIntervals(policy: Policy, intervalMs: number): Policy {
  const factor = Math.max(1, intervalMs / liveIntervalMs);
  const { spec } = policy;
  const { signals, overload } = spec;
  const scaled: PolicySpec = {
    ...spec,
    signals: {
      ...signals,
      timeConstant: signals.timeConstant * factor,
      nodeMetricExpirationSeconds: signals.nodeMetricExpirationSeconds * factor,
    },
    overload: {
      ...overload,
      anomalyCondition: { ...overload.anomalyCondition, timeout: overload.anomalyCondition.timeout * factor },
    },
  };
  return { ...policy, spec: scaled };
}
