import type { ContainerSample } from '../lib/contract/telemetry.ts';
import { rounded, withoutAbsent } from './delta.ts';

/** One sample a workload: those of several containers of a pod are taken together. */
export function combined(samples: readonly ContainerSample[]): ContainerSample[] {
  const byName = new Map<string, ContainerSample>();
  for (const sample of samples) {
    const other = byName.get(sample.workload);
    byName.set(sample.workload, other ? together(other, sample) : sample);
  }
  return [...byName.values()];
}

/** Sums; a limit only where both have one; of ratios the worse one. */
const together = (a: ContainerSample, b: ContainerSample): ContainerSample =>
  withoutAbsent({
    workload: a.workload,
    cpuCores: rounded(a.cpuCores + b.cpuCores),
    memoryBytes: a.memoryBytes + b.memoryBytes,
    cpuLimitCores: sum(a.cpuLimitCores, b.cpuLimitCores),
    memoryLimitBytes: sum(a.memoryLimitBytes, b.memoryLimitBytes),
    throttledRatio: worse(a.throttledRatio, b.throttledRatio),
    cpuPressureRatio: worse(a.cpuPressureRatio, b.cpuPressureRatio),
    memoryPressureRatio: worse(a.memoryPressureRatio, b.memoryPressureRatio),
  });

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

const worse = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
