/** The fleet that the benchmark pretends: edge nodes of their own sites, and a few large cloud nodes. */
export interface Fleet {
  nodes: number;
  clouds: number;
  containers: number;
}

export const isCloud = (fleet: Fleet, index: number): boolean => index < fleet.clouds;
export const nameOf = (fleet: Fleet, index: number): string => `${isCloud(fleet, index) ? 'cloud' : 'edge'}-${index}`;
export const siteOf = (fleet: Fleet, index: number): string => (isCloud(fleet, index) ? 'cloud' : `site-${index}`);
const workloadName = (index: number, container: number): string => `workload-${index}-${container}`;

const coresOf = (fleet: Fleet, index: number): number => (isCloud(fleet, index) ? 4096 : 8);
const bytesOf = (fleet: Fleet, index: number): number => (isCloud(fleet, index) ? 2 ** 44 : 2 ** 35);

export function recordOf(fleet: Fleet, index: number): object {
  const name = nameOf(fleet, index);
  return {
    name,
    site: siteOf(fleet, index),
    tier: isCloud(fleet, index) ? 'cloud' : 'edge',
    address: '192.0.2.1',
    engines: ['runc'],
    versions: {},
    capacity: { cores: coresOf(fleet, index), memoryBytes: bytesOf(fleet, index) },
    workloads: Array.from({ length: fleet.containers }, (_, container) => ({
      name: workloadName(index, container),
      image: `sha256:${'0'.repeat(64)}`,
      keeps: 'memory',
      strategy: 'auto',
      migrate: true,
      home: name,
      priority: 0,
      startedAt: 0,
    })),
    updatedAt: Date.now(),
  };
}

/** Text of a sample, cheap to make: only the head changes. */
export function sampleWriter(fleet: Fleet, index: number, intervalMs: number) {
  const name = nameOf(fleet, index);
  const cores = coresOf(fleet, index);
  const tail = (share: number): string => {
    const each = (share * cores) / fleet.containers;
    const containers = Array.from({ length: fleet.containers }, (_, container) => ({
      workload: workloadName(index, container),
      cpuCores: isCloud(fleet, index) ? 0.1 : each * (0.5 + container / (fleet.containers - 1)),
      memoryBytes: 64 * 2 ** 20 + container * 2 ** 20,
      cpuLimitCores: 4,
      memoryLimitBytes: 2 ** 29,
      throttledRatio: 0.012,
    }));
    const cpu = { usageCores: containers.reduce((sum, { cpuCores }) => sum + cpuCores, 0), capacityCores: cores };
    const memory = { usageBytes: 2 ** 31, capacityBytes: bytesOf(fleet, index) };
    return JSON.stringify({ intervalMs, cpu, memory, containers }).slice(1);
  };
  const cool = tail(0.4);
  const hot = tail(0.9);
  const head = `{"site":"${siteOf(fleet, index)}","node":"${name}","tier":"${isCloud(fleet, index) ? 'cloud' : 'edge'}","boot":"bench",`;
  return (sequence: number, at: number, isHot: boolean): string =>
    `${head}"sequence":${sequence},"at":${at},${isHot ? hot : cool}`;
}
