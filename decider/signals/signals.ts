import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import { type NodeState, newHold, type WorkloadState } from '../world/model.ts';
import type { SignalParams } from './params.ts';

/** `repeat`: seen before, nothing changed. `broken`: accepted, but it does not join the sample before it. */
export type Observation = 'repeat' | 'broken' | 'joined';

/**
 * Folds one sample into its node: moving averages weighted by elapsed time, x += (1 - e^(-dt/T)) (sample - x).
 * A gap or a jump of the node's clock clears what was counted, not what was measured.
 */
export function observe(node: NodeState, sample: Telemetry, params: SignalParams): Observation {
  if (isRepeat(node, sample)) return 'repeat';
  const joined = joins(node, sample, params);
  const weight = weightOf(node, sample, joined, params.timeConstantMs);
  if (!joined) resetCounts(node);
  advance(node.cpu, sample.cpu.usageCores, sample.cpu.capacityCores, weight);
  advance(node.memory, sample.memory.usageBytes, sample.memory.capacityBytes, weight);
  identify(node, sample);
  for (const container of sample.containers) observeWorkload(node, container, weight);
  forget(node);
  for (const [workload, arrival] of node.arrivals)
    if (node.at > arrival.since + 3 * params.timeConstantMs) node.arrivals.delete(workload);
  return joined ? 'joined' : 'broken';
}

function isRepeat(node: NodeState, sample: Telemetry): boolean {
  if (sample.boot === node.boot) return sample.sequence <= node.sequence;
  return sample.boot === node.previousBoot;
}

function joins(node: NodeState, sample: Telemetry, params: SignalParams): boolean {
  const elapsed = sample.at - node.at;
  return elapsed > 0 && elapsed <= Math.max(params.gapMs, params.missedPeriods * sample.intervalMs);
}

function weightOf(node: NodeState, sample: Telemetry, joined: boolean, timeConstantMs: number): number {
  if (node.sequence < 0) return 1;
  const elapsed = joined ? sample.at - node.at : elapsedByCount(node, sample);
  return 1 - Math.exp(-elapsed / timeConstantMs);
}

/** The clock can not be trusted: within one boot the sequence tells how much time has gone, else nothing does. */
function elapsedByCount(node: NodeState, sample: Telemetry): number {
  return sample.boot === node.boot ? (sample.sequence - node.sequence) * sample.intervalMs : Number.POSITIVE_INFINITY;
}

function advance(resource: NodeState['cpu'], usage: number, capacity: number, weight: number): void {
  resource.mean += weight * (usage - resource.mean);
  resource.latest = usage;
  resource.capacity = capacity;
}

function identify(node: NodeState, sample: Telemetry): void {
  if (sample.boot !== node.boot) {
    node.previousBoot = node.boot;
    node.boot = sample.boot;
  }
  node.sequence = sample.sequence;
  node.at = sample.at;
  node.intervalMs = sample.intervalMs;
}

function observeWorkload(node: NodeState, sample: ContainerSample, weight: number): void {
  let state = node.workloads.get(sample.workload);
  if (!state) {
    state = newWorkload(sample);
    node.workloads.set(sample.workload, state);
  } else {
    state.cores += weight * (sample.cpuCores - state.cores);
    state.throttledRatio += weight * ((sample.throttledRatio ?? 0) - state.throttledRatio);
  }
  state.memoryBytes = sample.memoryBytes;
  state.limitCores = sample.cpuLimitCores ?? 0;
  state.sequence = node.sequence;
}

function newWorkload(sample: ContainerSample): WorkloadState {
  return {
    name: sample.workload,
    cores: sample.cpuCores,
    throttledRatio: sample.throttledRatio ?? 0,
    memoryBytes: sample.memoryBytes,
    limitCores: 0,
    hold: undefined,
    sequence: -1,
  };
}

/** Drops the containers that have gone, and their share of the node's means: the rest has stood lower all the while. */
function forget(node: NodeState): void {
  for (const [name, workload] of node.workloads) {
    if (workload.sequence === node.sequence) continue;
    node.workloads.delete(name);
    node.cpu.mean = Math.max(node.cpu.mean - workload.cores, Math.min(node.cpu.mean, node.cpu.latest));
    node.memory.mean = Math.max(
      node.memory.mean - workload.memoryBytes,
      Math.min(node.memory.mean, node.memory.latest),
    );
  }
}

/** Starts every count of the node anew. */
export function resetCounts(node: NodeState): void {
  node.cpu.hold = newHold();
  node.memory.hold = newHold();
  for (const workload of node.workloads.values()) workload.hold = undefined;
}

/** Delivery and clocks differ by this much even where samples come faster. */
const leastExpirationMs = 5000;

/**
 * Whether the newest sample stands for the present. Neither an old one nor one from the future does: silence is not idleness.
 */
export function isFresh(node: NodeState, now: number, params: SignalParams): boolean {
  return node.sequence >= 0 && Math.abs(now - node.at) <= freshForMs(node, params);
}

/** How long a sample of the node stands for the present. */
export function freshForMs(node: NodeState, params: SignalParams): number {
  return Math.min(Math.max(params.missedPeriods * node.intervalMs, leastExpirationMs), params.expirationMs);
}
