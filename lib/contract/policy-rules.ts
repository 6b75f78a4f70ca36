import type { PolicySpec } from './policy-spec.ts';

export interface BrokenRule {
  path: string[];
  message: string;
}

type Resource = 'cpu' | 'memory';

/** Detectors that fire where safety parameter x usage reaches 1. */
const regressions: readonly PolicySpec['overload']['detector'][] = ['LR', 'LOESS', 'RLOESS'];

/** Relations between fields that no single field can state: what would make the decider oscillate or never act. */
export function brokenRules(spec: PolicySpec): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const demand = (holds: boolean, path: string, message: string): void => {
    if (!holds) broken.push({ path: path.split('.'), message });
  };
  const trigger = spec.overload.targetThresholds;
  const release = spec.victim.releaseThresholds;
  const home = spec.returnHome.returnThresholds;
  for (const resource of ['cpu', 'memory'] satisfies Resource[]) {
    demand(
      release[resource] < trigger[resource],
      `victim.releaseThresholds.${resource}`,
      `expected less than the trigger overload.targetThresholds.${resource} (${trigger[resource]}), received ${release[resource]}`,
    );
    demand(
      spec.target.fillThresholds[resource] < trigger[resource],
      `target.fillThresholds.${resource}`,
      `expected less than the trigger overload.targetThresholds.${resource} (${trigger[resource]}), received ${spec.target.fillThresholds[resource]}`,
    );
    demand(
      home[resource] <= release[resource],
      `returnHome.returnThresholds.${resource}`,
      `expected at most victim.releaseThresholds.${resource} (${release[resource]}), received ${home[resource]}`,
    );
  }
  const { detector, safetyParameter } = spec.overload;
  const highest = Math.max(release.cpu, release.memory);
  demand(
    !regressions.includes(detector) || safetyParameter === undefined || safetyParameter * highest < 1,
    'overload.safetyParameter',
    `expected less than 1 / ${highest}: ${detector} would fire below victim.releaseThresholds, received ${safetyParameter}`,
  );
  demand(
    spec.overload.immediateThresholds.memory >= trigger.memory,
    'overload.immediateThresholds.memory',
    `expected at least the trigger overload.targetThresholds.memory (${trigger.memory}), received ${spec.overload.immediateThresholds.memory}`,
  );
  demand(
    spec.budgets.maxMigrationCooldown >= spec.budgets.migrationCooldown,
    'budgets.maxMigrationCooldown',
    'expected at least budgets.migrationCooldown',
  );
  demand(
    spec.budgets.migrationHistoryWindow >= spec.budgets.maxMigrationCooldown,
    'budgets.migrationHistoryWindow',
    'expected at least budgets.maxMigrationCooldown: a forgotten move can not be waited for',
  );
  demand(spec.signals.timeConstant > 0, 'signals.timeConstant', 'expected more than 0');
  demand(spec.budgets.commandExpiration > 0, 'budgets.commandExpiration', 'expected more than 0');
  const shared = spec.overload.tiers.filter((tier) => spec.target.tiers.includes(tier));
  demand(
    shared.length === 0,
    'target.tiers',
    `expected none of overload.tiers, received ${shared.join(', ')}: load would travel in circles`,
  );
  return broken;
}
