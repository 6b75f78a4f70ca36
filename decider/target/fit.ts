import { bytes, cores, duration, percent } from '../pipeline/format.ts';
import type { SignalParams } from '../signals/params.ts';
import { isFresh } from '../signals/signals.ts';
import { arriving, sum } from '../world/flights.ts';
import { type Flight, type NodeState, ratioOf, type Usage, type WorkloadFacts } from '../world/model.ts';

/** What is to be placed: its measured usage, and what it asks for. */
export interface Need extends Usage {
  requestedCores: number;
  requestedMemoryBytes: number;
}

export interface Forecast {
  cpuRatio: number;
  memoryRatio: number;
}

export function needOf(usage: Usage, facts: WorkloadFacts): Need {
  return {
    cores: usage.cores,
    memoryBytes: usage.memoryBytes,
    requestedCores: facts.requestedCores ?? usage.cores,
    requestedMemoryBytes: facts.requestedMemoryBytes ?? usage.memoryBytes,
  };
}

/** How `target` would stand with `need` on it, and with all that is on its way there. */
export function forecast(target: NodeState, need: Usage, flights: readonly Flight[]): Forecast {
  const coming = arriving(target, flights);
  const present = sum(target.workloads.values());
  const busyCores = Math.max(target.cpu.mean, present.cores);
  const busyBytes = Math.max(target.memory.mean, target.memory.latest, present.memoryBytes);
  return {
    cpuRatio: ratioOf(busyCores + coming.cores + need.cores, target.cpu.capacity),
    memoryRatio: ratioOf(busyBytes + coming.memoryBytes + need.memoryBytes, target.memory.capacity),
  };
}

/** Why `target` can take no workload from `source` at all now; undefined when it can. */
export function unusable(source: NodeState, target: NodeState, now: number, params: SignalParams): string | undefined {
  if (!target.record) return 'no migrator has joined from it';
  if (!isFresh(target, now, params)) return 'its samples are not fresh';
  if (Math.abs(now - target.record.updatedAt) > params.expirationMs)
    return `its migrator has been silent for ${duration(Math.abs(now - target.record.updatedAt))}`;
  const engines = source.record?.engines ?? [];
  if (!target.record.engines.some((engine) => engines.includes(engine)))
    return 'it has no engine in common with the source';
  return undefined;
}

/** Why `need` does not fit: by what has been requested of the target, and by what it would carry. */
export function misfit(
  target: NodeState,
  need: Need,
  flights: readonly Flight[],
  ceiling: { cpu: number; memory: number },
): string | undefined {
  const asked = requested(target, flights);
  if (need.requestedCores + asked.cores > target.cpu.capacity)
    return `${cores(need.requestedCores)} are requested, ${cores(Math.max(0, target.cpu.capacity - asked.cores))} are free`;
  if (need.requestedMemoryBytes + asked.memoryBytes > target.memory.capacity)
    return `${bytes(need.requestedMemoryBytes)} are requested, ${bytes(Math.max(0, target.memory.capacity - asked.memoryBytes))} are free`;
  const { cpuRatio, memoryRatio } = forecast(target, need, flights);
  if (cpuRatio > ceiling.cpu) return `its CPU would stand at ${percent(cpuRatio)} (at most ${percent(ceiling.cpu)})`;
  if (memoryRatio > ceiling.memory)
    return `its memory would stand at ${percent(memoryRatio)} (at most ${percent(ceiling.memory)})`;
  return undefined;
}

/** Requests of those that run on the target and of those that are on their way. */
function requested(target: NodeState, flights: readonly Flight[]): Usage {
  const total = { cores: 0, memoryBytes: 0 };
  const here = target.record?.workloads;
  for (const { requestedCores = 0, requestedMemoryBytes = 0 } of here?.values() ?? []) {
    total.cores += requestedCores;
    total.memoryBytes += requestedMemoryBytes;
  }
  for (const flight of flights) {
    if (flight.target !== target.name || here?.has(flight.workload)) continue;
    total.cores += flight.requested.cores;
    total.memoryBytes += flight.requested.memoryBytes;
  }
  return total;
}
