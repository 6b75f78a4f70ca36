import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface BudgetParams {
  paused: boolean;
  perCluster: number;
  outboundPerSite: number;
  inboundPerNode: number;
  minIntervalMs: number;
  coolDownMs: number;
  maxCoolDownMs: number;
  historyMs: number;
}

export const budgetParams = ({ paused, budgets }: PolicySpec): BudgetParams => ({
  paused,
  perCluster: budgets.parallelMigrationsPerCluster,
  outboundPerSite: budgets.parallelOutboundMigrationsPerSite,
  inboundPerNode: budgets.parallelInboundMigrationsPerNode,
  minIntervalMs: budgets.minMigrationInterval,
  coolDownMs: budgets.migrationCooldown,
  maxCoolDownMs: budgets.maxMigrationCooldown,
  historyMs: budgets.migrationHistoryWindow,
});
