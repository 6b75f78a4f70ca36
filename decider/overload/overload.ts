import { type NodeState, newHold, ratioOf, type WorkloadState } from '../world/model.ts';
import { detectors } from './detectors.ts';
import { count } from './hold.ts';
import type { OverloadParams } from './params.ts';

/** One reason to relieve a node now. */
export interface Finding {
  kind: 'cpu' | 'memory' | 'workload';
  /** The workload at its own limit. */
  workload?: string;
  ratio: number;
  threshold: number;
  /** Time of the first sample of the run. */
  since: number;
  hits: number;
  immediate: boolean;
}

/** Counts the newest sample of a node. Call it once a sample. */
export function countOverload(node: NodeState, params: OverloadParams): void {
  if (!params.tiers.includes(node.tier)) return;
  const beyond = detectors[params.detector];
  count(node.cpu.hold, beyond(node.cpu, params.trigger.cpu), node.at, params.hold);
  count(node.memory.hold, beyond(node.memory, params.trigger.memory), node.at, params.hold);
  if (!params.workload) return;
  for (const workload of node.workloads.values()) {
    const abnormal = atLimit(workload, params.workload) !== undefined;
    if (abnormal) workload.hold ??= newHold();
    if (workload.hold) count(workload.hold, abnormal, node.at, params.hold);
    if (workload.hold?.hits === 0) workload.hold = undefined;
  }
}

/**
 * What calls for action on the node's newest sample, worst first. The level counts, not the edge: a finding lasts until the
 * hold clears, and is silent while the level itself stands below the trigger.
 */
export function findOverload(node: NodeState, params: OverloadParams): Finding[] {
  if (!params.tiers.includes(node.tier)) return [];
  const findings = [...resourceFindings(node, params)];
  if (params.workload) findings.push(...workloadFindings(node, params.workload));
  return findings.sort((a, b) => urgency(b) - urgency(a));
}

function* resourceFindings(node: NodeState, params: OverloadParams): Generator<Finding> {
  const latest = ratioOf(node.memory.latest, node.memory.capacity);
  if (latest >= params.immediateMemory) {
    const { since, hits } = node.memory.hold;
    yield {
      kind: 'memory',
      ratio: latest,
      threshold: params.immediateMemory,
      since: hits > 0 ? since : node.at,
      hits,
      immediate: true,
    };
  }
  for (const kind of ['cpu', 'memory'] as const) {
    const { hold, mean, capacity } = node[kind];
    if (!hold.hot || !detectors[params.detector](node[kind], params.trigger[kind])) continue;
    const { since, hits } = hold;
    yield {
      kind,
      ratio: ratioOf(mean, capacity),
      threshold: params.trigger[kind],
      since,
      hits,
      immediate: false,
    };
  }
}

function* workloadFindings(node: NodeState, thresholds: NonNullable<OverloadParams['workload']>): Generator<Finding> {
  for (const workload of node.workloads.values()) {
    const level = workload.hold?.hot ? atLimit(workload, thresholds) : undefined;
    if (!level || !workload.hold) continue;
    const { since, hits } = workload.hold;
    yield { kind: 'workload', workload: workload.name, ...level, since, hits, immediate: false };
  }
}

/** How a workload stands against its own limit, if beyond what it may. */
export function atLimit(
  workload: WorkloadState,
  thresholds: { cpu: number; throttled: number },
): { ratio: number; threshold: number } | undefined {
  const usage = ratioOf(workload.cores, workload.limitCores);
  if (usage >= thresholds.cpu) return { ratio: usage, threshold: thresholds.cpu };
  if (workload.throttledRatio >= thresholds.throttled)
    return { ratio: workload.throttledRatio, threshold: thresholds.throttled };
  return undefined;
}

const urgency = (finding: Finding): number =>
  (finding.immediate ? 10 : 0) + (finding.kind === 'workload' ? -1 : 0) + finding.ratio / finding.threshold;
