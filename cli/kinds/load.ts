import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import { age, bytes, type Kind } from '../output.ts';

const percent = (used: number, of: number | undefined): string | undefined =>
  of ? `${Math.round((100 * used) / of)}%` : undefined;
const cores = (value: number): string => value.toFixed(2);
const ratio = (value: number | undefined): string | undefined => value?.toFixed(2);

/** What a node uses, by its newest sample. */
export const nodeLoad = (now: number): Kind<Telemetry> => ({
  kind: 'node',
  name: (sample) => sample.node,
  columns: [
    { header: 'NAME', value: (sample) => sample.node },
    { header: 'CPU', value: ({ cpu }) => cores(cpu.usageCores) },
    { header: 'CPU%', value: ({ cpu }) => percent(cpu.usageCores, cpu.capacityCores) },
    { header: 'MEMORY', value: ({ memory }) => bytes(memory.usageBytes) },
    { header: 'MEMORY%', value: ({ memory }) => percent(memory.usageBytes, memory.capacityBytes) },
    { header: 'WORKLOADS', value: ({ containers }) => containers.length },
    { header: 'AGE', value: ({ at }) => age(at, now) },
    { header: 'CPU PRESSURE', wide: true, value: ({ cpu }) => ratio(cpu.pressureRatio) },
    { header: 'MEMORY PRESSURE', wide: true, value: ({ memory }) => ratio(memory.pressureRatio) },
  ],
});

export type WorkloadLoad = ContainerSample & { node: string; at: number };

export const workloadLoads = ({ containers, node, at }: Telemetry): WorkloadLoad[] =>
  containers.map((container) => ({ ...container, node, at }));

/** What a workload uses; the shares are of its own limits. */
export const workloadLoad = (now: number): Kind<WorkloadLoad> => ({
  kind: 'workload',
  name: ({ workload }) => workload,
  columns: [
    { header: 'NAME', value: ({ workload }) => workload },
    { header: 'NODE', value: ({ node }) => node },
    { header: 'CPU', value: ({ cpuCores }) => cores(cpuCores) },
    { header: 'CPU%', value: ({ cpuCores, cpuLimitCores }) => percent(cpuCores, cpuLimitCores) },
    { header: 'MEMORY', value: ({ memoryBytes }) => bytes(memoryBytes) },
    { header: 'MEMORY%', value: ({ memoryBytes, memoryLimitBytes }) => percent(memoryBytes, memoryLimitBytes) },
    {
      header: 'THROTTLED',
      value: ({ throttledRatio }) => percent(throttledRatio ?? 0, throttledRatio === undefined ? 0 : 1),
    },
    { header: 'AGE', value: ({ at }) => age(at, now) },
    { header: 'CPU PRESSURE', wide: true, value: ({ cpuPressureRatio }) => ratio(cpuPressureRatio) },
    { header: 'MEMORY PRESSURE', wide: true, value: ({ memoryPressureRatio }) => ratio(memoryPressureRatio) },
  ],
});
