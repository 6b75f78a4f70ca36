import type { EdgeNode, EdgeNodeStatus } from '../../k8s/objects/edge-node.ts';
import { type Condition, rfc3339, withCondition } from '../../k8s/objects/meta.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';

/** All that an EdgeNode's status depends on. */
export interface EdgeNodeFacts {
  edgeNode: EdgeNode;
  /** The cluster's node of its name. */
  node: { ready: boolean } | undefined;
  /** What the agent there says of itself. */
  record: NodeRecord | undefined;
  /** Of the node's monitor: when the hub stored it, and the interval that it tells. */
  newestSample: { storedAt: number; intervalMs: number } | undefined;
  /** Pods there that have not ended, and those of them that are workloads. */
  pods: number;
  workloads: number;
  /** Names, with their namespace, of pods without the sidecar that they need. */
  unmonitored: readonly string[];
  now: number;
}

/** An agent writes its record at least every 30 s. */
const agentSilentMs = 90_000;
/** Samples of a monitor that are missed before it counts as silent, and the least time for that: the uplink may be cut for a moment. */
const missedSamples = 3;
const monitorSilentMs = 10_000;

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Times and measured intervals stand in messages only where they stay the same, so that the status changes when something has changed. */
export function statusOf(facts: EdgeNodeFacts): EdgeNodeStatus {
  const { edgeNode, record, pods, workloads, now } = facts;
  const generation = edgeNode.metadata.generation;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const conditions = [
    { type: 'Ready', ...observed, ...readiness(facts) },
    { type: 'Monitored', ...observed, ...monitoring(facts) },
  ].reduce((all, condition) => withCondition(all, condition, now), edgeNode.status?.conditions ?? []);
  return { conditions, ...observed, pods, workloads, ...(record && { versions: record.versions }) };
}

const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });
const unknown = (reason: string, message: string): Verdict => ({ status: 'Unknown', reason, message });

function readiness({ edgeNode, node, record, now }: EdgeNodeFacts): Verdict {
  const { name } = edgeNode.metadata;
  const { tier, site } = edgeNode.spec;
  if (!node) return no('NodeMissing', `the cluster has no node ${name}`);
  if (!node.ready) return no('NodeNotReady', `node ${name} is not ready`);
  if (!record) return no('NoAgent', `no agent has reported from ${name}: does godwit-agent run there?`);
  if (!record.engines.includes('kubernetes'))
    return no(
      'AgentOfBareNode',
      `the agent of ${name} moves no pods: its configuration does not say engine: kubernetes`,
    );
  if (record.tier !== tier || record.site !== site)
    return no(
      'Contradiction',
      `the agent of ${name} says tier ${record.tier} and site ${record.site}, the EdgeNode ${tier} and ${site}`,
    );
  if (now - record.updatedAt > agentSilentMs)
    return unknown('AgentSilent', `the agent of ${name} was last heard of at ${rfc3339(record.updatedAt)}`);
  return { status: 'True', reason: 'AgentReports', message: `node and agent of ${name} are there` };
}

const namedAtMost = 5;

function monitoring({ edgeNode, newestSample, unmonitored, now }: EdgeNodeFacts): Verdict {
  const { name } = edgeNode.metadata;
  if (!newestSample) return no('NoSamples', `the hub has no sample of ${name}: does godwit-monitor run there?`);
  const { storedAt, intervalMs } = newestSample;
  if (now - storedAt > Math.max(missedSamples * intervalMs, monitorSilentMs))
    return unknown('SamplesStopped', `the newest sample of ${name} is of ${rfc3339(storedAt)}`);
  if (unmonitored.length > 0) {
    const names = [...unmonitored].sort();
    const rest = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : '';
    const which = `${names.slice(0, namedAtMost).join(', ')}${rest}`;
    return no('PodsWithoutSidecar', `nobody samples ${which}, admitted without a sidecar; see the Events of each`);
  }
  return { status: 'True', reason: 'Sampled', message: `the monitor of ${name} samples` };
}
