import type { Decision } from '../../../lib/contract/decision.ts';
import type { Policy } from '../../../lib/contract/policy.ts';
import { type Move, replayFleet } from '../fleet.ts';
import { demandOf } from '../telemetry.ts';
import type { Trace } from '../trace.ts';
import { type NodeLoad, type Score, scoreOf } from './score.ts';

export interface EdgeResult {
  score: Score;
  /** By time of their decision. */
  moves: Move[];
  /** Wall time of a sample, from received to decided, 99th percentile. */
  decisionP99Ms: number;
}

export interface EdgeOptions {
  policy: Policy;
  decided?(decision: Decision): void;
  /** Wall time in milliseconds. */
  stopwatch(): number;
}

/** One day of many nodes, each with a decider, budgets and an uplink of its own: what one does concerns no other. */
export function replayEdge(traces: readonly Trace[], options: EdgeOptions): EdgeResult {
  const loads: NodeLoad[] = [];
  const moves: Move[] = [];
  const times: number[] = [];
  for (const trace of traces) {
    const load = { overloadedSteps: 0, steps: trace.steps, unmet: 0, demand: 0 };
    const done = replayFleet(trace, {
      ...options,
      transferMs: (bytes, { uplinkBytesPerSecond = Number.POSITIVE_INFINITY }) => (bytes / uplinkBytesPerSecond) * 1000,
      took: (ms) => times.push(ms),
      stepped: (step, placement) => {
        for (const node of trace.nodes) {
          if (node.tier !== 'edge') continue;
          const here = demandOf(node, placement.residents(node.name, step), step);
          if (here >= node.capacity.cores - tiny) load.overloadedSteps++;
          load.unmet += Math.max(0, here - node.capacity.cores);
        }
        for (const { demand } of trace.workloads) load.demand += demand.cores[step] ?? 0;
      },
    });
    loads.push(load);
    moves.push(...done);
  }
  const [first] = traces;
  const endAt = first ? first.startAt + first.steps * first.intervalMs : 0;
  times.sort((a, b) => a - b);
  return {
    score: scoreOf(loads, moves, endAt),
    moves: moves.sort((a, b) => a.decidedAt - b.decidedAt),
    decisionP99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

/** Sums of hundredths are not exact. */
const tiny = 1e-9;
