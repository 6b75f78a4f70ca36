import type { Trace, TraceNode, TraceWorkload } from './trace.ts';

/** What runs where. */
export interface Placement {
  node(name: string): TraceNode | undefined;
  workload(name: string): TraceWorkload | undefined;
  where(workload: string): string;
  /** Those on the node that run at that step, in the order of the trace. */
  residents(node: string, step: number): TraceWorkload[];
  move(workload: string, node: string): void;
}

export function createPlacement(trace: Trace): Placement {
  const nodes = new Map(trace.nodes.map((node) => [node.name, node]));
  const workloads = new Map(trace.workloads.map((workload) => [workload.facts.name, workload]));
  const rank = new Map(trace.workloads.map((workload, index) => [workload, index]));
  const where = new Map(trace.workloads.map(({ facts, node }) => [facts.name, node]));
  const residents = new Map<string, TraceWorkload[]>(trace.nodes.map(({ name }) => [name, []]));
  for (const workload of trace.workloads) residents.get(workload.node)?.push(workload);
  return {
    node: (name) => nodes.get(name),
    workload: (name) => workloads.get(name),
    where: (workload) => where.get(workload) ?? '',
    residents: (node, step) =>
      (residents.get(node) ?? []).filter(({ demand }) => !Number.isNaN(demand.cores[step] ?? Number.NaN)),
    move: (name, node) => {
      const workload = workloads.get(name);
      const from = residents.get(where.get(name) ?? '');
      if (!workload || !from) return;
      from.splice(from.indexOf(workload), 1);
      const there = residents.get(node) ?? [];
      there.push(workload);
      there.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
      residents.set(node, there);
      where.set(name, node);
    },
  };
}
