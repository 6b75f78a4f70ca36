import type { Decision } from '../lib/contract/decision.ts';
import type { Policy } from '../lib/contract/policy.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import { containerOf, eventOf, gibibyte, recordOf, sampleOf, signatureOf, start, workloadOf } from './fixtures.ts';
import { decide } from './pipeline/decide.ts';
import type { Signature } from './pipeline/verdict.ts';
import { applyMigration, applyTelemetry } from './world/apply.ts';
import { applyNodeRecord } from './world/apply-node.ts';
import { createWorld, type World } from './world/model.ts';

export interface SimulatedWorkload {
  name: string;
  home: string;
  node: string;
  memoryBytes: number;
  /** Cores wanted at a step. */
  cores(step: number): number;
}

interface SimulatedNode {
  name: string;
  /** Added to the time in its samples. */
  clockMs: number;
  /** Steps during which none of its samples arrive. */
  silentUntil: number;
  /** Time in its newest sample that arrived. */
  sampledAt: number;
}

/** What becomes of a command. */
export type Outcome = 'succeeded' | 'rolled-back' | 'void';

export interface Simulation {
  world: World;
  step: number;
  /** Added to the time of all, the decider's as well. */
  clockMs: number;
  nodes: SimulatedNode[];
  workloads: SimulatedWorkload[];
  /** Commands that have not ended. */
  open: { decision: Decision; endsAt: number; outcome: Outcome }[];
  moves: Decision[];
}

export interface SimulationOptions {
  policy: Policy;
  nodes: string[];
  workloads: SimulatedWorkload[];
  /** Outcome of the n-th command, and how many steps it takes. */
  outcome?(index: number): { outcome: Outcome; steps: number };
  /** Called with each command before it counts as open. */
  check?(simulation: Simulation, decision: Decision): void;
  /** Every sample is delivered this often. */
  deliveries?: number;
  /** How late the sample of a node arrives, below the interval; the earlier one is decided on first. */
  delayMs?(step: number, node: string): number;
}

export const stepMs = 10_000;
/** A command with the default expiration that nobody takes up is void by then, the decider's grace included. */
const voidSteps = 9;
export const nodeCores = 4;
export const nodeBytes = 8 * gibibyte;

/** A small world of nodes with equal capacity that the real core decides on, one sample a node and step. */
export function simulate(
  options: SimulationOptions,
  steps: number,
  disturb?: (simulation: Simulation) => void,
): Simulation {
  const simulation: Simulation = {
    world: createWorld(options.policy),
    step: 0,
    clockMs: 0,
    nodes: options.nodes.map((name) => ({ name, clockMs: 0, silentUntil: 0, sampledAt: 0 })),
    workloads: options.workloads.map((workload) => ({ ...workload })),
    open: [],
    moves: [],
  };
  const signature = signatureOf();
  for (; simulation.step < steps; simulation.step++) {
    disturb?.(simulation);
    progress(simulation);
    const delayOf = (node: SimulatedNode): number => options.delayMs?.(simulation.step, node.name) ?? 0;
    for (const node of simulation.nodes.toSorted((a, b) => delayOf(a) - delayOf(b))) {
      const now = nowOf(simulation) + delayOf(node);
      applyNodeRecord(simulation.world, node.name, recordFor(simulation, node));
      for (const decision of deliver(simulation, node, { now, signature, times: options.deliveries ?? 1 }))
        if (decision.migration) command(simulation, decision, options);
    }
  }
  return simulation;
}

function* deliver(
  simulation: Simulation,
  node: SimulatedNode,
  { now, signature, times }: { now: number; signature: Signature; times: number },
): Generator<Decision> {
  if (node.silentUntil > simulation.step) return;
  const sample = sampleFor(simulation, node);
  node.sampledAt = sample.at;
  for (let delivery = 0; delivery < times; delivery++)
    if (applyTelemetry(simulation.world, sample)) yield* decide(simulation.world, node.name, now, signature);
}

export const nowOf = ({ step, clockMs }: Simulation): number => start + step * stepMs + clockMs;

function command(simulation: Simulation, decision: Decision, options: SimulationOptions): void {
  options.check?.(simulation, decision);
  const { outcome, steps } = options.outcome?.(simulation.moves.length) ?? { outcome: 'succeeded', steps: 1 };
  simulation.moves.push(decision);
  simulation.open.push({ decision, outcome, endsAt: simulation.step + (outcome === 'void' ? voidSteps : steps) });
}

/** Migrators report that they have taken a command up, and how it ended; of a void one nobody hears. */
function progress(simulation: Simulation): void {
  for (const { decision, outcome, endsAt } of simulation.open) {
    if (outcome === 'void') continue;
    const at = nowOf(simulation);
    if (endsAt > simulation.step) {
      const { result: _, ...event } = eventOf(decision, { stage: 'prepare', at });
      applyMigration(simulation.world, event);
      continue;
    }
    const workload = simulation.workloads.find(({ name }) => name === decision.workload);
    if (outcome === 'succeeded' && workload) workload.node = decision.target ?? '';
    applyMigration(simulation.world, eventOf(decision, { result: outcome, at }));
  }
  simulation.open = simulation.open.filter(({ endsAt }) => endsAt > simulation.step);
}

const residents = (simulation: Simulation, node: string): SimulatedWorkload[] =>
  simulation.workloads.filter((workload) => workload.node === node);

function recordFor(simulation: Simulation, node: SimulatedNode) {
  const workloads = residents(simulation, node.name).map(({ name, home }) => workloadOf(name, home));
  return recordOf(node.name, workloads, { updatedAt: nowOf(simulation) });
}

function sampleFor(simulation: Simulation, node: SimulatedNode): Telemetry {
  const containers = residents(simulation, node.name).map(({ name, cores, memoryBytes }) =>
    containerOf(name, cores(simulation.step), memoryBytes),
  );
  return sampleOf(node.name, containers, { sequence: simulation.step, at: nowOf(simulation) + node.clockMs });
}
