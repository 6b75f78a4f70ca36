import type { NodeRecord } from '../../lib/contract/node.ts';
import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import type { Series, Trace, TraceNode, TraceWorkload } from './trace.ts';

/** What the node's migrator would say. */
export function recordOf(node: TraceNode, residents: readonly TraceWorkload[], updatedAt: number): NodeRecord {
  return {
    name: node.name,
    site: node.site,
    tier: node.tier,
    address: '192.0.2.1',
    engines: ['runc'],
    versions: {},
    capacity: node.capacity,
    ...(node.uplinkBytesPerSecond !== undefined && { uplinkBytesPerSecond: node.uplinkBytesPerSecond }),
    workloads: residents.map(({ facts }) => facts),
    updatedAt,
  };
}

/** What the node's monitor would send at that step. */
export function sampleOf(
  trace: Trace,
  node: TraceNode,
  residents: readonly TraceWorkload[],
  { step, boot }: { step: number; boot: string },
): Telemetry {
  const containers = residents.map((workload) => containerOf(workload, step));
  let usageCores = at(node.background?.cores, step);
  let usageBytes = at(node.background?.memoryBytes, step);
  for (const { cpuCores, memoryBytes } of containers) {
    usageCores += cpuCores;
    usageBytes += memoryBytes;
  }
  return {
    site: node.site,
    node: node.name,
    tier: node.tier,
    boot,
    sequence: step,
    at: trace.startAt + step * trace.intervalMs,
    intervalMs: trace.intervalMs,
    cpu: { usageCores, capacityCores: node.capacity.cores },
    memory: { usageBytes, capacityBytes: node.capacity.memoryBytes },
    containers,
  };
}

function containerOf({ facts, demand, limitCores, throttledRatio }: TraceWorkload, step: number): ContainerSample {
  return {
    workload: facts.name,
    cpuCores: at(demand.cores, step),
    memoryBytes: Math.round(at(demand.memoryBytes, step)),
    ...(limitCores !== undefined && { cpuLimitCores: limitCores }),
    ...(throttledRatio && { throttledRatio: at(throttledRatio, step) }),
  };
}

/** Nothing recorded counts as nothing used. */
const at = (values: Float64Array | undefined, step: number): number => values?.[step] || 0;

/** Cores that the node is asked for at a step. */
export function demandOf(node: TraceNode, residents: readonly TraceWorkload[], step: number): number {
  let cores = at(node.background?.cores, step);
  for (const { demand } of residents) cores += at(demand.cores, step);
  return cores;
}

export const emptySeries = (steps: number): Series => ({
  cores: new Float64Array(steps).fill(Number.NaN),
  memoryBytes: new Float64Array(steps).fill(Number.NaN),
});
