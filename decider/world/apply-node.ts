import type { NodeRecord, Workload } from '../../lib/contract/node.ts';
import type { NodeState, WorkloadFacts, World } from './model.ts';
import { placeNode, removeNode } from './nodes.ts';

/** Folds what a node's migrator says of it; undefined: the node has left, and is forgotten. */
export function applyNodeRecord(world: World, name: string, record: NodeRecord | undefined): void {
  const node = world.nodes.get(name);
  if (!record) {
    if (node) retract(world, node);
    return;
  }
  const known = placeNode(world, name, record.site, record.tier);
  if (known.sequence < 0) {
    known.cpu.capacity = record.capacity.cores;
    known.memory.capacity = record.capacity.memoryBytes;
  }
  const before = known.record?.workloads;
  const workloads = new Map(record.workloads.map((workload) => [workload.name, factsOf(workload)]));
  const { engines, uplinkBytesPerSecond, updatedAt } = record;
  known.record = { engines, uplinkBytesPerSecond, updatedAt, workloads };
  for (const [workload, facts] of workloads) noteAway(world, known, workload, facts);
  for (const [workload, facts] of before ?? []) if (!workloads.has(workload)) forgetAway(world, known, workload, facts);
}

function retract(world: World, node: NodeState): void {
  for (const [workload, facts] of node.record?.workloads ?? []) forgetAway(world, node, workload, facts);
  removeNode(world, node);
}

function noteAway(world: World, node: NodeState, workload: string, facts: WorkloadFacts): void {
  if (facts.home === node.name) return;
  let away = world.away.get(facts.home);
  if (!away) {
    away = new Map();
    world.away.set(facts.home, away);
  }
  if (away.get(workload)?.node === node.name) return;
  away.set(workload, {
    workload,
    home: facts.home,
    node: node.name,
    calmSince: undefined,
    peakCpuRatio: 0,
    peakMemoryRatio: 0,
    lastAt: 0,
    noted: undefined,
  });
}

function forgetAway(world: World, node: NodeState, workload: string, facts: WorkloadFacts): void {
  const away = world.away.get(facts.home);
  if (away?.get(workload)?.node !== node.name) return;
  away.delete(workload);
  if (away.size === 0) world.away.delete(facts.home);
}

function factsOf(workload: Workload): WorkloadFacts {
  const { image, keeps, strategy, migrate, obstacle, home, priority, startedAt, pod } = workload;
  const { requestedCores, requestedMemoryBytes } = workload;
  const requests = { requestedCores, requestedMemoryBytes };
  return { image, keeps, strategy, migrate, obstacle, home, priority, startedAt, pod, ...requests };
}
