import type { Clock } from '../lib/clock.ts';
import type { Tier } from '../lib/contract/names.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import type { ContainerSet } from './container-set.ts';
import { type DeltaBounds, rounded, usedCores, withoutAbsent } from './delta.ts';
import type { NodeUsage } from './host/usage.ts';

export interface SamplerOptions {
  identity: { site: string; node: string; tier: Tier; boot: string };
  clock: Clock;
  containers: ContainerSet;
  node: NodeUsage;
  bounds: DeltaBounds;
}

export interface Sampler {
  /** The node and all its containers since the last message; undefined when the node's counters do not tell yet. */
  sample(): Telemetry | undefined;
}

/** Reads the first counters at once, so that the first `sample` an interval later is whole. Sequence numbers have no gaps. */
export function createSampler(options: SamplerOptions): Sampler {
  const { clock, containers, node } = options;
  const read = (): ReturnType<NodeUsage['counters']> & { atMs: number } => ({
    atMs: clock.monotonic(),
    ...node.counters(),
  });
  let sequence = 0;
  let last = read();
  containers.scan();
  return {
    sample: () => {
      const now = read();
      const before = last;
      const usageCores = usedCores(before, now, options.bounds);
      if (usageCores !== undefined || now.cpuMs < before.cpuMs) last = now;
      if (usageCores === undefined) return undefined;
      const capacity = node.capacity();
      return {
        ...options.identity,
        sequence: sequence++,
        at: clock.now(),
        intervalMs: rounded(now.atMs - before.atMs),
        cpu: withoutAbsent({
          usageCores: rounded(usageCores),
          capacityCores: capacity.cores,
          pressureRatio: now.cpuPressureRatio,
        }),
        memory: withoutAbsent({
          usageBytes: now.memoryBytes,
          capacityBytes: capacity.memoryBytes,
          pressureRatio: now.memoryPressureRatio,
        }),
        containers: containers.sample(),
      };
    },
  };
}
