import { atLimit } from '../overload/overload.ts';
import { overloadParams } from '../overload/params.ts';
import { signalParams } from '../signals/params.ts';
import { freshForMs, isFresh } from '../signals/signals.ts';
import {
  type AwayState,
  type CalmStretch,
  type NodeState,
  ratioOf,
  type WorkloadState,
  type World,
} from '../world/model.ts';
import { returnParams } from './params.ts';

/**
 * Looks at home's newest sample for each workload that is away: would home carry it within the return thresholds? A sample
 * that says no, or does not join the one before, or a workload without fresh samples, starts the window anew.
 */
export function trackCalm(world: World, home: NodeState, joined: boolean): void {
  const away = world.away.get(home.name);
  if (!away) return;
  const { ceiling } = returnParams(world.policy.spec);
  const gapMs = freshForMs(home, signalParams(world.policy.spec));
  for (const state of away.values()) {
    if (!joined || home.at - state.lastAt > gapMs) breakOff(state);
    const workload = freshWorkload(world, state, home.at);
    const cpuRatio = ratioOf(home.cpu.mean + (workload?.cores ?? 0), home.cpu.capacity);
    const memoryRatio = ratioOf(home.memory.mean + (workload?.memoryBytes ?? 0), home.memory.capacity);
    const calm = workload !== undefined && cpuRatio <= ceiling.cpu && memoryRatio <= ceiling.memory;
    note(state, home.at, calm && !wouldFire(world, workload), cpuRatio, memoryRatio);
    joinNoted(state);
  }
}

/** A calm stretch of a workload away from home, as its decider told it; a restarted one goes on from there. */
export interface NotedCalm extends CalmStretch {
  workload: string;
  /** Where it runs. */
  node: string;
}

/** The stretches that go on, by home. */
export function* calmStretches(world: World): Generator<[home: string, NotedCalm[]]> {
  for (const [home, away] of world.away) {
    const calm = [...away.values()].flatMap(({ workload, node, calmSince, lastAt, peakCpuRatio, peakMemoryRatio }) =>
      calmSince === undefined
        ? []
        : [{ workload, node, since: calmSince, until: lastAt, peakCpuRatio, peakMemoryRatio }],
    );
    if (calm.length > 0) yield [home, calm];
  }
}

/** Takes in what was noted of a home; of a workload that is no longer away, or elsewhere, it says nothing. */
export function recallCalm(world: World, home: string, stretches: readonly NotedCalm[]): void {
  for (const { workload, node, ...stretch } of stretches) {
    const state = world.away.get(home)?.get(workload);
    if (state?.node === node) state.noted = stretch;
  }
}

/** The first sample of all breaks nothing off: what was noted lies before it. */
function breakOff(state: AwayState): void {
  state.calmSince = undefined;
  if (state.lastAt > 0) state.noted = undefined;
}

/** What was noted goes on only in a calm that this decider has seen from before its end: nothing unseen lies between. */
function joinNoted(state: AwayState): void {
  const { noted, calmSince } = state;
  if (!noted || state.lastAt < noted.until) return;
  state.noted = undefined;
  if (calmSince === undefined || calmSince > noted.until) return;
  state.calmSince = Math.min(calmSince, noted.since);
  state.peakCpuRatio = Math.max(state.peakCpuRatio, noted.peakCpuRatio);
  state.peakMemoryRatio = Math.max(state.peakMemoryRatio, noted.peakMemoryRatio);
}

function note(state: AwayState, at: number, calm: boolean, cpuRatio: number, memoryRatio: number): void {
  const begins = state.calmSince === undefined;
  state.calmSince = calm ? (state.calmSince ?? at) : undefined;
  state.peakCpuRatio = calm && !begins ? Math.max(state.peakCpuRatio, cpuRatio) : cpuRatio;
  state.peakMemoryRatio = calm && !begins ? Math.max(state.peakMemoryRatio, memoryRatio) : memoryRatio;
  state.lastAt = at;
}

function freshWorkload(world: World, state: AwayState, now: number): WorkloadState | undefined {
  const node = world.nodes.get(state.node);
  if (!node || !isFresh(node, now, signalParams(world.policy.spec))) return undefined;
  return node.workloads.get(state.workload);
}

/** At home it would be sent away again for standing at its own limit. */
function wouldFire(world: World, workload: WorkloadState): boolean {
  const { workload: thresholds } = overloadParams(world.policy.spec);
  return thresholds !== undefined && atLimit(workload, thresholds) !== undefined;
}
