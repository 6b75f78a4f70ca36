/** What does not change while the machine runs; for the log, never for the hot path. */
export interface NodeFacts {
  kernel: string;
  distribution: string;
  cpuModel: string;
  hostCores: number;
}

/** Asks `systeminformation`, which starts programs and is slow to import: once, after sampling has begun. */
export async function readNodeFacts(): Promise<NodeFacts> {
  const { cpu, osInfo } = await import('systeminformation');
  const [processor, system] = await Promise.all([cpu(), osInfo()]);
  return {
    kernel: system.kernel,
    distribution: `${system.distro} ${system.release}`.trim(),
    cpuModel: `${processor.manufacturer} ${processor.brand}`.trim(),
    hostCores: processor.cores,
  };
}
