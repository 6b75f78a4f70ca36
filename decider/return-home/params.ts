import type { PolicySpec } from '../../lib/contract/policy-spec.ts';

export interface ReturnParams {
  enabled: boolean;
  ceiling: { cpu: number; memory: number };
  windowMs: number;
}

export const returnParams = ({ returnHome }: PolicySpec): ReturnParams => ({
  enabled: returnHome.enabled,
  ceiling: returnHome.returnThresholds,
  windowMs: returnHome.stabilizationWindowSeconds * 1000,
});
