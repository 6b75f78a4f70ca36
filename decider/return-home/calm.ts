import { atLimit } from '../overload/overload.ts';
import { overloadParams } from '../overload/params.ts';
import { signalParams } from '../signals/params.ts';
import { freshForMs, isFresh } from '../signals/signals.ts';
import { type AwayState, type NodeState, ratioOf, type WorkloadState, type World } from '../world/model.ts';
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
    if (!joined || home.at - state.lastAt > gapMs) state.calmSince = undefined;
    const workload = freshWorkload(world, state, home.at);
    const cpuRatio = ratioOf(home.cpu.mean + (workload?.cores ?? 0), home.cpu.capacity);
    const memoryRatio = ratioOf(home.memory.mean + (workload?.memoryBytes ?? 0), home.memory.capacity);
    const calm = workload !== undefined && cpuRatio <= ceiling.cpu && memoryRatio <= ceiling.memory;
    note(state, home.at, calm && !wouldFire(world, workload), cpuRatio, memoryRatio);
  }
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
