import { defaultPolicy, type Policy } from '../../../lib/contract/policy.ts';
import type { PolicySpec } from '../../../lib/contract/policy-spec.ts';
import { type Baseline, parseBaseline } from '../../baseline/baseline.ts';

/** What monitors take as their interval where nothing else is said. */
const liveIntervalMs = 10_000;

/** The policies that have a name: those below, and the baselines such as `LR-MMT-1.2`. @throws E_INPUT for a wrong baseline */
export function namedPolicy(name: string): Policy | undefined {
  const special = specials[name];
  if (special) return { name, version: name, spec: special(defaultPolicy().spec) };
  if (name === 'default') return defaultPolicy();
  const baseline = parseBaseline(name);
  return baseline && baselinePolicy(baseline);
}

const specials: Record<string, (spec: PolicySpec) => PolicySpec> = {
  never: (spec) => ({ ...spec, paused: true }),
  /** Everything leaves, one after the other, and nothing comes back. */
  always: (spec) => {
    const bare = bareSpec(spec, 1e-9, 1);
    return { ...bare, returnHome: { ...bare.returnHome, enabled: false } };
  },
  /** Like koordinator's LowNodeLoad: 50 % in five samples running; back where it leaves the node below 20 %. */
  LowNodeLoad: (spec) => {
    const bare = bareSpec(spec, 0.5, 5);
    return { ...bare, returnHome: { ...bare.returnHome, returnThresholds: { cpu: 0.2, memory: 0.65 } } };
  },
};

/** A baseline under the return rule of the protocol: at 0.60 for 30 minutes. */
function baselinePolicy({ name, detector, params, victim }: Baseline): Policy {
  const bare = bareSpec(defaultPolicy().spec, params.threshold, 1);
  const { safetyParameter } = params;
  const otf = params.otf < 1 ? params.otf : bare.overload.otf;
  const overload = { ...bare.overload, detector, safetyParameter, otf };
  return { name, version: name, spec: { ...bare, overload, victim: { ...bare.victim, selection: victim } } };
}

/** THR and MMT, two transfers at once, neither cost gate nor rest, and the return rule of the protocol. */
function bareSpec(spec: PolicySpec, threshold: number, consecutiveAbnormalities: number): PolicySpec {
  const trigger = { cpu: threshold, memory: 1 };
  const anomalyCondition = { ...spec.overload.anomalyCondition, consecutiveAbnormalities, consecutiveNormalities: 1 };
  return {
    ...spec,
    overload: { ...spec.overload, detector: 'THR', targetThresholds: trigger, anomalyCondition },
    victim: { ...spec.victim, selection: 'MMT', releaseThresholds: trigger },
    cost: { ...spec.cost, enabled: false, completionTimeoutPerGiB: Number.MAX_SAFE_INTEGER },
    budgets: {
      ...spec.budgets,
      parallelOutboundMigrationsPerSite: 2,
      minMigrationInterval: 0,
      migrationCooldown: 0,
      maxMigrationCooldown: 0,
    },
    returnHome: { ...spec.returnHome, returnThresholds: { cpu: 0.6, memory: 0.65 }, stabilizationWindowSeconds: 1800 },
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
