import type { Trace } from '../trace.ts';
import { prices } from './score.ts';

export interface Bound {
  otf: number;
  cost: number;
}

/**
 * What no policy can undercut, though it knew the day beforehand: of each node the fewest workloads away in each step, chosen anew,
 * with moves that take no time and cost nothing. `otf` is the overload time that may be left: where it saves most, it is.
 */
export function lowerBound(traces: readonly Trace[], otf: number): Bound {
  const needs = traces.flatMap((trace) => {
    const weight = 1 / trace.steps / traces.length;
    return Array.from({ length: trace.steps }, (_, step) => ({ away: fewestAway(trace, step), weight }));
  });
  needs.sort((a, b) => b.away - a.away);
  let left = otf;
  let awaySteps = 0;
  for (const { away, weight } of needs) {
    if (away > 0 && left >= weight) left -= weight;
    else awaySteps += away;
  }
  const hours = (awaySteps * (traces[0]?.intervalMs ?? 0)) / 3_600_000;
  return { otf: otf - left, cost: hours * prices.podHour };
}

/** The greatest first: so few suffice to bring the node below its capacity. */
function fewestAway({ nodes, workloads }: Trace, step: number): number {
  const capacity = nodes[0]?.capacity.cores ?? 0;
  const demands = workloads.map(({ demand }) => demand.cores[step] ?? 0).sort((a, b) => b - a);
  let load = demands.reduce((sum, cores) => sum + cores, 0);
  let away = 0;
  while (load >= capacity - tiny && away < demands.length) load -= demands[away++] ?? 0;
  return away;
}

const tiny = 1e-9;
