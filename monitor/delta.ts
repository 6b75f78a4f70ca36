import type { ContainerSample } from '../lib/contract/telemetry.ts';
import type { Limits } from './cgroup/layout.ts';
import type { Counters } from './cgroup/reader.ts';

/** Counters with the monotonic time at which they were read. */
export interface Reading extends Counters {
  atMs: number;
}

export interface DeltaBounds {
  /** More than the machine has can not have been used. */
  maxCores: number;
  /** A shorter time between two readings says nothing yet. */
  minElapsedMs: number;
}

/** Mean cores used between two readings; undefined when they do not tell (too close together, or the counter went back). */
export function usedCores(
  before: Pick<Reading, 'atMs' | 'cpuMs'>,
  after: Pick<Reading, 'atMs' | 'cpuMs'>,
  bounds: DeltaBounds,
): number | undefined {
  const elapsedMs = after.atMs - before.atMs;
  const usedMs = after.cpuMs - before.cpuMs;
  if (!(elapsedMs > 0 && elapsedMs >= bounds.minElapsedMs && usedMs >= 0)) return undefined;
  return Math.min(usedMs / elapsedMs, bounds.maxCores);
}

/** Share of the periods between two readings in which the group was throttled; undefined without a limit at both ends. */
export function throttledRatio(before: Reading, after: Reading): number | undefined {
  if (!before.throttling || !after.throttling) return undefined;
  const periods = after.throttling.periods - before.throttling.periods;
  const throttled = after.throttling.throttled - before.throttling.throttled;
  if (periods < 0 || throttled < 0) return undefined;
  return periods === 0 ? 0 : Math.min(1, throttled / periods);
}

/** One container's part of the telemetry message; undefined when its CPU use can not be told yet. */
export function containerSample(
  workload: string,
  before: Reading,
  after: Reading,
  limits: Limits,
  bounds: DeltaBounds,
): ContainerSample | undefined {
  const cpuCores = usedCores(before, after, bounds);
  if (cpuCores === undefined) return undefined;
  return withoutAbsent({
    workload,
    cpuCores: rounded(cpuCores),
    memoryBytes: after.memoryBytes,
    cpuLimitCores: limits.cpuLimitCores,
    memoryLimitBytes: limits.memoryLimitBytes,
    throttledRatio: throttledRatio(before, after),
    cpuPressureRatio: after.cpuPressureRatio,
    memoryPressureRatio: after.memoryPressureRatio,
  });
}

/** Six decimals: a microcore is finer than any counter, and keeps messages short. */
export const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out the keys whose value is undefined. */
export function withoutAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Present<T>;
}
