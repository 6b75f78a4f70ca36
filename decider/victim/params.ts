import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import type { VictimSelectionName } from './selections.ts';

export interface VictimParams {
  selection: VictimSelectionName;
  seed: number;
  release: { cpu: number; memory: number };
  minAgeMs: number;
  priorityThreshold: number;
}

export const victimParams = ({ victim }: PolicySpec): VictimParams => ({
  selection: victim.selection,
  seed: victim.seed,
  release: victim.releaseThresholds,
  minAgeMs: victim.minWorkloadAge,
  priorityThreshold: victim.priorityThreshold ?? Number.POSITIVE_INFINITY,
});
