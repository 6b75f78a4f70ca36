import type { Move } from '../world/model.ts';
import type { BudgetParams } from './params.ts';

/**
 * End of a workload's rest after its last move: min(cap, max(floor, T_mig) 2^(n-1)) with n moves in the history window, and at
 * least the interval between two moves. A failed migration counts as one. (KubevirtMigrationAware's rule.)
 */
export function restsUntil(moves: readonly Move[], params: BudgetParams, now: number): number {
  const recent = moves.filter((move) => move.endedAt > now - params.historyMs);
  const last = recent.at(-1);
  if (!last) return 0;
  const coolDownMs = Math.min(
    params.maxCoolDownMs,
    Math.max(params.coolDownMs, last.durationMs) * 2 ** (recent.length - 1),
  );
  return last.endedAt + Math.max(coolDownMs, params.minIntervalMs);
}
