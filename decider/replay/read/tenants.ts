import { GodwitError } from '../../../lib/errors.ts';
import { emptySeries } from '../telemetry.ts';
import { ampleMemoryBytes, endlessCloud, expectSpan, plainFacts, type Trace } from '../trace.ts';

/** One workload as a public trace tells of it. */
export interface Tenant {
  name: string;
  samples: { at: number; cores: number; memoryBytes: number }[];
  /** Where it runs, if the trace says so. */
  node?: string;
}

/** Tenants share a node, so many each, in the order of their first rows. */
const tenantsPerNode = 5;

/** A trace of workloads that names no nodes, or whose nodes have all the same capacity; each node is a site, beside an endless cloud. */
export function tenantsTrace(
  format: string,
  tenants: readonly Tenant[],
  { intervalMs, capacityPoints }: { intervalMs: number; capacityPoints: number },
): Trace {
  const times = tenants.flatMap(({ samples }) => samples.map(({ at }) => at));
  if (times.length === 0) throw new GodwitError('E_INPUT', `the ${format} trace holds no usable row`);
  const startAt = times.reduce((a, b) => Math.min(a, b));
  const steps = Math.round((times.reduce((a, b) => Math.max(a, b)) - startAt) / intervalMs) + 1;
  expectSpan(format, steps, tenants.length);
  const homeOf = (tenant: Tenant, index: number): string =>
    tenant.node ?? `node-${Math.floor(index / tenantsPerNode) + 1}`;
  const names = new Set(tenants.map(homeOf));
  const workloads = tenants.map((tenant, index) => {
    const home = homeOf(tenant, index);
    const demand = emptySeries(steps);
    for (const { at, cores, memoryBytes } of tenant.samples) {
      const step = Math.round((at - startAt) / intervalMs);
      demand.cores[step] = cores;
      demand.memoryBytes[step] = memoryBytes;
    }
    return { facts: plainFacts(tenant.name, home), node: home, demand };
  });
  const capacity = { cores: capacityPoints / 100, memoryBytes: ampleMemoryBytes };
  const nodes = [...names].map((name) => ({ name, site: name, tier: 'edge' as const, capacity }));
  return { format, startAt, intervalMs, steps, nodes: [...nodes, endlessCloud()], workloads };
}
