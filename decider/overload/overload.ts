import { migrationMs } from '../cost/migration-time.ts';
import { type NodeState, newHold, ratioOf, type Usage, type WorkloadState } from '../world/model.ts';
import type { Measure, Reading, Series } from './detector.ts';
import { detectors } from './detectors.ts';
import { count } from './hold.ts';
import type { OverloadParams } from './params.ts';

/** One reason to relieve a node now. */
export interface Finding {
  kind: 'cpu' | 'memory' | 'workload';
  /** The workload at its own limit. */
  workload?: string;
  /** What `ratio` and `threshold` measure. */
  measure: Measure;
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
  for (const kind of resources) count(node[kind].hold, read(node, kind, params).beyond, node.at, params.hold);
  if (!params.workload) return;
  for (const workload of node.workloads.values()) {
    const abnormal = atLimit(workload, params.workload) !== undefined;
    if (abnormal) workload.hold ??= newHold();
    if (workload.hold) count(workload.hold, abnormal, node.at, params.hold);
    if (workload.hold?.hits === 0) workload.hold = undefined;
  }
}

const resources = ['cpu', 'memory'] as const;
const nothing: Usage = { cores: 0, memoryBytes: 0 };

/** What the detector says of the newest sample, had `less` been missing all the while; its pressure is not known then. */
function read(node: NodeState, kind: 'cpu' | 'memory', params: OverloadParams, less: Usage = nothing): Reading {
  const { history, mean, capacity, pressure } = node[kind];
  const usage = kind === 'cpu' ? less.cores : less.memoryBytes;
  const share = (level: number): number => ratioOf(Math.max(0, level - usage), capacity);
  const series: Series = {
    history: history.map(share),
    mean: share(mean),
    horizon: () => horizonOf(node, params),
    pressure: usage > 0 ? undefined : pressure,
  };
  return detectors[params.detector](series, params.detectorParams[kind]);
}

/** Samples that the longest migration from the node takes. */
function horizonOf(node: NodeState, { transfer }: OverloadParams): number {
  let largest = 0;
  for (const { memoryBytes } of node.workloads.values()) largest = Math.max(largest, memoryBytes);
  const rate = node.record?.uplinkBytesPerSecond ?? transfer.bytesPerSecond;
  return node.intervalMs > 0 ? Math.ceil(migrationMs(largest, rate, transfer) / node.intervalMs) : 1;
}

/** Whether the finding would stand without what is leaving. */
export function outlasts(finding: Finding, node: NodeState, leaving: Usage, params: OverloadParams): boolean {
  const { kind } = finding;
  if (kind === 'workload') return true;
  if (!finding.immediate) return read(node, kind, params, leaving).beyond;
  const usage = kind === 'cpu' ? leaving.cores : leaving.memoryBytes;
  return ratioOf(node[kind].latest - usage, node[kind].capacity) >= finding.threshold;
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
      measure: 'usage',
      ratio: latest,
      threshold: params.immediateMemory,
      since: hits > 0 ? since : node.at,
      hits,
      immediate: true,
    };
  }
  for (const kind of resources) {
    const { hot, since, hits } = node[kind].hold;
    if (!hot) continue;
    const { measure, level, threshold, beyond } = read(node, kind, params);
    if (beyond) yield { kind, measure, ratio: level, threshold, since, hits, immediate: false };
  }
}

function* workloadFindings(node: NodeState, thresholds: NonNullable<OverloadParams['workload']>): Generator<Finding> {
  for (const workload of node.workloads.values()) {
    const level = workload.hold?.hot ? atLimit(workload, thresholds) : undefined;
    if (!level || !workload.hold) continue;
    const { since, hits } = workload.hold;
    yield { kind: 'workload', measure: 'usage', workload: workload.name, ...level, since, hits, immediate: false };
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
