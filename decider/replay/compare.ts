import type { Move } from './fleet.ts';
import type { Replay, Summary } from './summary.ts';

/** What would change if `tested` took the place of `inForce` on the same recording. */
export interface Comparison {
  inForce: Summary;
  tested: Summary;
  /** Moves that only one of them makes: the same workload, the same way, within a few intervals, is the same move. */
  onlyInForce: Move[];
  onlyTested: Move[];
}

const nearIntervals = 3;

export function compare(inForce: Replay, tested: Replay): Comparison {
  const nearMs = nearIntervals * inForce.summary.intervalMs;
  return {
    inForce: inForce.summary,
    tested: tested.summary,
    onlyInForce: without(inForce.moves, tested.moves, nearMs),
    onlyTested: without(tested.moves, inForce.moves, nearMs),
  };
}

/** Each of `others` stands for one move at most. */
function without(moves: readonly Move[], others: readonly Move[], nearMs: number): Move[] {
  const left = [...others];
  return moves.filter((move) => {
    const same = left.findIndex(
      (other) =>
        other.workload === move.workload &&
        other.source === move.source &&
        other.target === move.target &&
        Math.abs(other.decidedAt - move.decidedAt) <= nearMs,
    );
    if (same >= 0) left.splice(same, 1);
    return same < 0;
  });
}
