import { GodwitError } from '../../../lib/errors.ts';
import { drawOf } from '../../victim/draw.ts';
import { type PlanetLabRow, planetLabIntervalMs } from '../read/planetlab.ts';
import { ampleMemoryBytes, endlessCloud, plainFacts, type Trace, type TraceWorkload } from '../trace.ts';

export interface EdgeSetup {
  /** CPU points of a node; 100 are one core. */
  capacityPoints: number;
  /** Megabytes (10^6) a second. */
  uplinkMBps: number;
  /** Of the lots that give each workload its memory. */
  seed: number;
}

/** Memory of CloudSim's VM types; the second and third are alike. */
export const memoryMegabytes = [613, 870, 1740, 1740] as const;
const leastTraces = 3;

/** A trace for each node that carries at least three workloads: its own site, and a cloud without limits. @throws E_INPUT when there is none */
export function edgeNodes(rows: readonly PlanetLabRow[], setup: EdgeSetup): Trace[] {
  const byNode = Map.groupBy(rows, ({ node }) => node);
  const crowded = [...byNode].filter(([, tenants]) => tenants.length >= leastTraces);
  if (crowded.length === 0) throw new GodwitError('E_INPUT', `no node has ${leastTraces} traces or more`);
  return crowded.map(([node, tenants]) => traceOf(node, tenants, setup));
}

function traceOf(
  node: string,
  tenants: readonly PlanetLabRow[],
  { capacityPoints, uplinkMBps, seed }: EdgeSetup,
): Trace {
  const edge = {
    name: node,
    site: node,
    tier: 'edge' as const,
    capacity: { cores: capacityPoints / 100, memoryBytes: ampleMemoryBytes },
    uplinkBytesPerSecond: uplinkMBps * 1e6,
  };
  return {
    format: 'planetlab',
    startAt: 0,
    intervalMs: planetLabIntervalMs,
    steps: tenants[0]?.usage.length ?? 0,
    nodes: [edge, endlessCloud()],
    workloads: tenants.map((tenant) => workloadOf(tenant, node, seed)),
  };
}

function workloadOf({ trace, usage }: PlanetLabRow, node: string, seed: number): TraceWorkload {
  const bytes = (memoryMegabytes[drawOf(`${seed}/${trace}`) % memoryMegabytes.length] ?? 0) * 1e6;
  return {
    facts: plainFacts(trace, node),
    node,
    demand: {
      cores: Float64Array.from(usage, (points) => points / 100),
      memoryBytes: new Float64Array(usage.length).fill(bytes),
    },
  };
}
