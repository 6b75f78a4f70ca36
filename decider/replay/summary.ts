import { createHash, type Hash } from 'node:crypto';
import type { Policy } from '../../lib/contract/policy.ts';
import { migrationMs, transferParams } from '../cost/migration-time.ts';
import { inIntervals } from './edge/policies.ts';
import { type FleetOptions, type Move, replayFleet } from './fleet.ts';
import { demandOf } from './telemetry.ts';
import type { Trace } from './trace.ts';

/** What a policy made of a trace. */
export interface Summary {
  format: string;
  nodes: number;
  workloads: number;
  steps: number;
  intervalMs: number;
  policy: string;
  decisions: number;
  offloads: number;
  returns: number;
  /** Share of the steps of nodes at the edge in which they are asked for their capacity or more. */
  otf: number;
  /** Share of the demand at the edge that stands above capacity. */
  unmet: number;
  gbMoved: number;
  /** Hours that workloads spent away from their homes. */
  hoursAway: number;
  decisionP99Ms: number;
  /** SHA-256 of all decisions and moves: the same for the same trace and policy, on any machine. */
  hash: string;
}

export interface Replay {
  summary: Summary;
  moves: Move[];
}

type Hooks = Pick<FleetOptions, 'decided' | 'stopwatch'>;

/** One decider over all nodes of the trace, as live. */
export function replayTrace(trace: Trace, policy: Policy, hooks: Hooks): Replay {
  const transfer = transferParams(policy.spec);
  const tally = createTally(trace);
  const moves = replayFleet(trace, {
    policy: inIntervals(policy, trace.intervalMs),
    transferMs: (bytes, node) => migrationMs(bytes, node.uplinkBytesPerSecond ?? transfer.bytesPerSecond, transfer),
    stopwatch: hooks.stopwatch,
    took: (ms) => tally.times.push(ms),
    decided: (decision) => {
      tally.decisions++;
      tally.hash.update(JSON.stringify(decision));
      hooks.decided?.(decision);
    },
    stepped: (step, placement) => {
      for (const node of trace.nodes) {
        if (node.tier !== 'edge') continue;
        const demand = demandOf(node, placement.residents(node.name, step), step);
        tally.nodeSteps++;
        if (demand >= node.capacity.cores) tally.overloaded++;
        tally.unmet += Math.max(0, demand - node.capacity.cores);
        tally.demand += demand;
      }
      for (const { facts } of trace.workloads) if (placement.where(facts.name) !== facts.home) tally.awaySteps++;
    },
  });
  for (const move of moves) tally.hash.update(JSON.stringify(move));
  return { summary: summaryOf(trace, policy, moves, tally), moves };
}

interface Tally {
  decisions: number;
  nodeSteps: number;
  overloaded: number;
  unmet: number;
  demand: number;
  awaySteps: number;
  times: number[];
  hash: Hash;
}

const createTally = (trace: Trace): Tally => ({
  decisions: 0,
  nodeSteps: 0,
  overloaded: 0,
  unmet: 0,
  demand: 0,
  awaySteps: 0,
  times: [],
  hash: createHash('sha256').update(`${trace.format}/${trace.startAt}/${trace.intervalMs}/${trace.steps}`),
});

function summaryOf(trace: Trace, policy: Policy, moves: readonly Move[], tally: Tally): Summary {
  const times = Float64Array.from(tally.times).sort();
  return {
    format: trace.format,
    nodes: trace.nodes.length,
    workloads: trace.workloads.length,
    steps: trace.steps,
    intervalMs: trace.intervalMs,
    policy: `${policy.name} ${policy.version}`,
    decisions: tally.decisions,
    offloads: moves.filter(({ action }) => action === 'offload').length,
    returns: moves.filter(({ action }) => action === 'return').length,
    otf: tally.overloaded / (tally.nodeSteps || 1),
    unmet: tally.unmet / (tally.demand || 1),
    gbMoved: moves.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9,
    hoursAway: (tally.awaySteps * trace.intervalMs) / 3_600_000,
    decisionP99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    hash: tally.hash.digest('hex'),
  };
}
