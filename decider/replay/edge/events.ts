import type { Move } from '../fleet.ts';

/** A line of JSON for each move, by the time of its decision; times in seconds from the start of the day, `endedAt: null` if it did not end. */
export function eventLines(moves: readonly Move[], endAt: number): string {
  const lines = moves.map(({ decidedAt, source, target, workload, action, startedAt, endedAt, bytes }) =>
    JSON.stringify({
      t: decidedAt / 1000,
      node: action === 'offload' ? source : target,
      workload,
      action,
      startedAt: startedAt / 1000,
      endedAt: endedAt <= endAt ? endedAt / 1000 : null,
      bytes,
    }),
  );
  return lines.map((line) => `${line}\n`).join('');
}
