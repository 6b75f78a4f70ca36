import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import { type NodeState, newHold, type ResourceState, type WorkloadState } from '../world/model.ts';
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
  if (!joined) breakRow(node);
  const { cpu, memory } = sample;
  advance(node.cpu, { usage: cpu.usageCores, capacity: cpu.capacityCores, pressure: cpu.pressureRatio }, weight);
  advance(
    node.memory,
    { usage: memory.usageBytes, capacity: memory.capacityBytes, pressure: memory.pressureRatio },
    weight,
  );
  if (node.sequence >= 0) welcome(node, sample.containers, weight);
  identify(node, sample);
  for (const container of sample.containers) observeWorkload(node, container, weight, params.workloadHistory);
  forget(node);
  remember(node.cpu.history, node.cpu.latest, params.nodeHistory);
  remember(node.memory.history, node.memory.latest, params.nodeHistory);
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

interface Sampled {
  usage: number;
  capacity: number;
  pressure: number | undefined;
}

function advance(resource: ResourceState, { usage, capacity, pressure }: Sampled, weight: number): void {
  resource.mean += weight * (usage - resource.mean);
  resource.latest = usage;
  resource.capacity = capacity;
  resource.pressure = pressure;
}

function remember(history: number[], usage: number, length: number): void {
  if (length > 0) history.push(usage);
  while (history.length > length) history.shift();
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

function observeWorkload(node: NodeState, sample: ContainerSample, weight: number, historyLength: number): void {
  let state = node.workloads.get(sample.workload);
  if (!state) {
    state = newWorkload(sample);
    node.workloads.set(sample.workload, state);
  } else {
    state.cores += weight * (sample.cpuCores - state.cores);
    state.throttledRatio += weight * ((sample.throttledRatio ?? 0) - state.throttledRatio);
  }
  remember(state.history, sample.cpuCores, historyLength);
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
    history: [],
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
    relieve(node.cpu, workload.cores);
    relieve(node.memory, workload.memoryBytes);
  }
}

/** Adds those that have come to the node's past: a step up is a new level at once, and no trend. Undone by `forget`. */
function welcome(node: NodeState, containers: readonly ContainerSample[], weight: number): void {
  for (const { workload, cpuCores, memoryBytes } of containers) {
    if (node.workloads.has(workload)) continue;
    raise(node.cpu, cpuCores, weight);
    raise(node.memory, memoryBytes, weight);
  }
}

function raise(resource: ResourceState, usage: number, weight: number): void {
  resource.mean += (1 - weight) * usage;
  resource.history = resource.history.map((level) => level + usage);
}

/** Neither the mean nor any past sample falls below the newest sample by what has gone. */
function relieve(resource: ResourceState, usage: number): void {
  const without = (level: number): number => Math.max(level - usage, Math.min(level, resource.latest));
  resource.mean = without(resource.mean);
  resource.history = resource.history.map(without);
}

/** What lies before a gap neither counts nor makes a row with what follows. */
function breakRow(node: NodeState): void {
  resetCounts(node);
  node.cpu.history = [];
  node.memory.history = [];
  for (const workload of node.workloads.values()) workload.history = [];
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
