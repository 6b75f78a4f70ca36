import type { StageReport } from '../../lib/contract/decision.ts';
import { duration, percent, round } from '../pipeline/format.ts';
import { type NodeState, ratioOf } from '../world/model.ts';
import type { Measure } from './detector.ts';
import type { Finding } from './overload.ts';

/** How the node stands, on samples how old. */
export function signalsReport(node: NodeState, now: number): StageReport {
  const ageMs = now - node.at;
  const cpuRatio = ratioOf(node.cpu.mean, node.cpu.capacity);
  const memoryRatio = ratioOf(node.memory.mean, node.memory.capacity);
  return {
    stage: 'signals',
    outcome: 'pass',
    summary: `${node.name} stands at ${percent(cpuRatio)} CPU and ${percent(memoryRatio)} memory; its newest sample is ${duration(Math.abs(ageMs))} old`,
    terms: {
      cpuRatio: round(cpuRatio),
      memoryRatio: round(memoryRatio),
      latestCpuRatio: round(ratioOf(node.cpu.latest, node.cpu.capacity)),
      latestMemoryRatio: round(ratioOf(node.memory.latest, node.memory.capacity)),
      ageMs,
      sequence: node.sequence,
    },
  };
}

export function overloadReport(node: NodeState, finding: Finding): StageReport {
  const { kind, measure, ratio, threshold, hits, immediate } = finding;
  return {
    stage: 'overload',
    outcome: 'pass',
    summary: overloadText(node, finding),
    terms: { kind, measure, ratio: round(ratio), threshold, hits, sinceMs: lastedMs(node, finding), immediate },
  };
}

/** Such as `CPU of edge-1 stood at 93 % for 60 s (trigger 80 %)`. */
export function overloadText(node: NodeState, finding: Finding): string {
  const what = {
    cpu: `CPU of ${node.name}`,
    memory: `memory of ${node.name}`,
    workload: `${finding.workload}, against its own CPU limit,`,
  };
  const lasted = finding.immediate ? 'in a sample' : `for ${duration(lastedMs(node, finding))}`;
  const { kind, measure, ratio, threshold } = finding;
  return `${what[kind]} ${verbs[measure]} ${percent(ratio)} ${lasted} (trigger ${percent(threshold)})`;
}

const verbs: Record<Measure, string> = {
  usage: 'stood at',
  forecast: 'was on its way, safety included, to',
  pressure: 'was waited for during',
  'overload-time': 'could not but be overloaded for',
};

export const lastedMs = (node: NodeState, { since }: Finding): number => Math.max(0, node.at - since);
