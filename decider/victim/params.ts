import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface VictimParams {
  selection: PolicySpec['victim']['selection'];
  release: { cpu: number; memory: number };
  minAgeMs: number;
  priorityThreshold: number;
}

export const victimParams = ({ victim }: PolicySpec): VictimParams => ({
  selection: victim.selection,
  release: victim.releaseThresholds,
  minAgeMs: victim.minWorkloadAge,
  priorityThreshold: victim.priorityThreshold ?? Number.POSITIVE_INFINITY,
});
