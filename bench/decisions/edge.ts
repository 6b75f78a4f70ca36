import { lowerBound } from '../../decider/replay/edge/bound.ts';
import { inIntervals, namedPolicy } from '../../decider/replay/edge/policies.ts';
import { replayEdge } from '../../decider/replay/edge/replay.ts';
import type { Score } from '../../decider/replay/edge/score.ts';
import { type EdgeSetup, edgeNodes } from '../../decider/replay/edge/setup.ts';
import { type PlanetLabRow, planetLabIntervalMs } from '../../decider/replay/read/planetlab.ts';
import { defaultPolicy, type Policy } from '../../lib/contract/policy.ts';
import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface Day {
  name: string;
  rows: PlanetLabRow[];
}

export interface EdgeRow extends Score {
  policy: string;
  /** Cost of each day, and its overload time. */
  days: { otf: number; cost: number }[];
  decisionP99Ms: number;
}

export interface EdgeTable {
  rows: EdgeRow[];
  bounds: { otf: number; cost: number }[];
}

interface Candidate {
  name: string;
  policy: Policy;
}

const standard: EdgeSetup = { capacityPoints: 100, uplinkMBps: 2.5, seed: 1 };
const boundsAt = [0, 0.005, 0.008];

const named = (name: string): Candidate => {
  const policy = namedPolicy(name);
  if (!policy) throw new Error(`no policy ${name}`);
  return { name, policy };
};

export const edgePolicies: Candidate[] = [
  'default',
  'never',
  'always',
  'THR-MMT-0.8',
  'THR-MMT-0.9',
  'THR-MMT-1.0',
  'EWMA-MMT-0.8',
  'MAD-MMT-2.5',
  'IQR-MMT-1.5',
  'LR-MMT-1.2',
  'LR-MMT-1.0',
  'LR-MC-1.2',
  'LR-MU-1.2',
  'LR-RS-1.2',
  'LOESS-MMT-1.2',
  'RLOESS-MMT-1.2',
  'MHOD-MMT-0.1',
  'LowNodeLoad',
].map(named);

const without = (name: string, change: (spec: PolicySpec) => PolicySpec): Candidate => {
  const policy = defaultPolicy();
  return { name, policy: { ...policy, name, spec: change(policy.spec) } };
};

/** The default without one of its stages each. */
export const ablations: Candidate[] = [
  named('default'),
  without('no average', (spec) => ({ ...spec, signals: { ...spec.signals, timeConstant: 1 } })),
  without('no hold', (spec) => ({
    ...spec,
    overload: {
      ...spec.overload,
      anomalyCondition: { ...spec.overload.anomalyCondition, consecutiveAbnormalities: 1 },
    },
  })),
  without('no slack: release at the trigger', (spec) => ({
    ...spec,
    victim: { ...spec.victim, releaseThresholds: spec.overload.targetThresholds },
  })),
  without('no choice of victim: MMT', (spec) => ({ ...spec, victim: { ...spec.victim, selection: 'MMT' } })),
  without('no cost gate', (spec) => ({ ...spec, cost: { ...spec.cost, enabled: false } })),
  without('no budget: five at once', (spec) => ({
    ...spec,
    budgets: { ...spec.budgets, parallelOutboundMigrationsPerSite: 5 },
  })),
  without('no cool-down', (spec) => ({
    ...spec,
    budgets: { ...spec.budgets, minMigrationInterval: 0, migrationCooldown: 0, maxMigrationCooldown: 0 },
  })),
  without('no return threshold: at the trigger', (spec) => ({
    ...spec,
    returnHome: { ...spec.returnHome, returnThresholds: spec.overload.targetThresholds },
  })),
  without('no return window', (spec) => ({
    ...spec,
    returnHome: { ...spec.returnHome, stabilizationWindowSeconds: 1 },
  })),
  without('no return', (spec) => ({ ...spec, returnHome: { ...spec.returnHome, enabled: false } })),
];

/** Ratios are means over the days, all else sums. */
export function edgeTable(
  days: readonly Day[],
  candidates: readonly Candidate[],
  tell: (text: string) => void,
  setup: EdgeSetup = standard,
): EdgeTable {
  const traces = days.map(({ rows }) => edgeNodes(rows, setup));
  const rows = candidates.map(({ name, policy }) => {
    const began = performance.now();
    const results = traces.map((trace) =>
      replayEdge(trace, { policy: inIntervals(policy, planetLabIntervalMs), stopwatch: () => performance.now() }),
    );
    tell(`${name}: ${Math.round(performance.now() - began)} ms`);
    return rowOf(name, results);
  });
  const bounds = boundsAt.map((otf) => {
    const each = traces.map((trace) => lowerBound(trace, otf));
    return { otf, cost: sum(each.map(({ cost }) => cost)) };
  });
  return { rows, bounds };
}

function rowOf(policy: string, results: readonly { score: Score; decisionP99Ms: number }[]): EdgeRow {
  const total = (field: keyof Score): number => sum(results.map(({ score }) => score[field]));
  return {
    policy,
    otf: total('otf') / results.length,
    unmet: total('unmet') / results.length,
    offloads: total('offloads'),
    returns: total('returns'),
    pingPongs60: total('pingPongs60'),
    gbUp: total('gbUp'),
    gbDown: total('gbDown'),
    podHoursCloud: total('podHoursCloud'),
    cost: total('cost'),
    days: results.map(({ score }) => ({ otf: score.otf, cost: score.cost })),
    decisionP99Ms: Math.max(...results.map(({ decisionP99Ms }) => decisionP99Ms)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export interface Variant extends EdgeSetup {
  rows: EdgeRow[];
}

/** Two capacities, three uplinks, three seeds, each for the default and its nearest baseline. */
export function variants(days: readonly Day[], tell: (text: string) => void): Variant[] {
  const setups = [100, 150].flatMap((capacityPoints) =>
    [0.5, 2.5, 12.5].map((uplinkMBps) => ({ capacityPoints, uplinkMBps, seed: 1 })),
  );
  const seeds = [2, 3].map((seed) => ({ ...standard, seed }));
  return [...setups, ...seeds].map((setup) => ({
    ...setup,
    rows: edgeTable(days, [named('default'), named('LR-MMT-1.2')], tell, setup).rows,
  }));
}
