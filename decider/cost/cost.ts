import type { StageReport } from '../../lib/contract/decision.ts';
import { duration, round, usd } from '../pipeline/format.ts';
import { pass, type StageResult, stop } from '../pipeline/stage.ts';
import type { Usage } from '../world/model.ts';
import type { CostParams } from './params.ts';

export interface CostInput {
  usage: Usage;
  bytes: number;
  migrationMs: number;
  /** What past migrations of its image have made of the model's time; in `migrationMs` already. */
  timeFactor: number;
  /** At which its memory leaves the node, as past dumps of its image have shown. */
  dumpBytesPerSecond: number;
  /** At which it writes to its memory, as past migrations of its image have measured. */
  dirtyBytesPerSecond: number;
  /** Cores by which the node exceeds what it should carry. */
  excessCores: number;
  /** Chance that memory runs out within the residence. */
  outOfMemoryProbability: number;
  /** How long the overload has lasted. */
  overloadMs: number;
}

const hourMs = 3_600_000;
const gibibyte = 2 ** 30;
const gigabyte = 1e9;

/**
 * Moves only if C_stay(H) - C_cloud(H) >= (1 + margin) (C_mig + P_ret C_back), and within the deadline.
 * H: an overload is expected to last as long again as it has lasted, and a moved workload to stay for the least residence.
 */
export function checkCost(input: CostInput, params: CostParams): StageResult<undefined> {
  const costs = costsOf(input, params);
  const terms = termsOf(input, costs, params);
  const deadlineMs = params.timeoutPerGiBMs * Math.max(1, input.bytes / gibibyte);
  if (input.migrationMs > deadlineMs)
    return stop('cost', 'deadline', {
      summary: `moving would take ${duration(input.migrationMs)}, longer than the ${duration(deadlineMs)} allowed for its size`,
      terms: { ...terms, deadlineMs: round(deadlineMs, 0) },
    });
  const gain = costs.stay - costs.cloud;
  const price = (1 + params.margin) * (costs.move + params.returnProbability * costs.back);
  const prices = `moving gains ${usd(gain)} in ${duration(costs.residenceMs)} and costs ${usd(price)}`;
  if (params.enabled && gain < price) return stop('cost', 'gain', { summary: `${prices}: too little`, terms });
  return pass('cost', undefined, { summary: params.enabled ? prices : `${prices} (not asked for)`, terms });
}

interface Costs {
  residenceMs: number;
  stay: number;
  cloud: number;
  move: number;
  back: number;
}

function costsOf(input: CostInput, params: CostParams): Costs {
  const residenceMs = Math.max(input.overloadMs, params.minResidenceMs);
  const hours = residenceMs / hourMs;
  const { cores, memoryBytes } = input.usage;
  const down = (input.migrationMs / 1000) * params.penaltyPerDownSecond;
  const degraded = 0.1 * cores * (input.migrationMs / hourMs) * params.penaltyPerCoreHour;
  const gigabytes = input.bytes / gigabyte;
  return {
    residenceMs,
    stay: params.penaltyPerCoreHour * input.excessCores * hours + input.outOfMemoryProbability * params.outOfMemory,
    cloud: hours * (cores * params.perCoreHour + (memoryBytes / gibibyte) * params.perGiBHour),
    move: gigabytes * params.perGBUp + down + degraded,
    back: gigabytes * params.perGBDown + down,
  };
}

function termsOf(input: CostInput, costs: Costs, params: CostParams): StageReport['terms'] {
  return {
    stayUsd: round(costs.stay, 6),
    cloudUsd: round(costs.cloud, 6),
    moveUsd: round(costs.move, 6),
    backUsd: round(costs.back, 6),
    returnProbability: params.returnProbability,
    margin: params.margin,
    residenceMs: round(costs.residenceMs, 0),
    excessCores: round(input.excessCores),
    outOfMemoryProbability: round(input.outOfMemoryProbability),
    migrationMs: round(input.migrationMs, 0),
    timeFactor: round(input.timeFactor),
    dumpBytesPerSecond: round(input.dumpBytesPerSecond, 0),
    dirtyBytesPerSecond: round(input.dirtyBytesPerSecond, 0),
    bytes: input.bytes,
  };
}
