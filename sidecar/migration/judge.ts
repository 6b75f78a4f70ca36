import type { Migration } from '../../k8s/objects/migration.ts';
import type { Workload } from '../../lib/contract/node.ts';
import { pathOf, strategyFor } from '../pods/obstacles.ts';
import type { Observed } from './observed.ts';
import { nodeObstacle, podObstacle } from './obstacles.ts';
import { ownerObstacle } from './owners.ts';

/** What is to be done with a Migration that nobody has judged yet. */
export type Verdict =
  | { kind: 'refuse'; reason: string }
  | { kind: 'wait'; why: string }
  | { kind: 'ask-eviction' }
  | { kind: 'accept'; source: string; workload: string };

/** A pod that has just started is in its node's record some seconds later. */
const reportedWithinMs = 20_000;

/** Whether the move can work, checked in full before anything is created or stopped. */
export function judge(observed: Observed): Verdict {
  const { migration, source: pod, node, owner, eviction } = observed;
  const { target, expiresAt } = migration.spec;
  if (expiresAt !== undefined && observed.now > Date.parse(expiresAt)) return refuse(`it expired at ${expiresAt}`);
  const rival = rivalOf(observed);
  if (rival) return rival;
  if (!pod) return refuse(`there is no pod ${migration.spec.pod} in namespace ${migration.metadata.namespace}`);
  if (pod.spec.nodeName === target) return refuse(`the pod is on node ${target} already`);
  const obstacle =
    podObstacle(pod, observed.checkpoints) ?? ownerObstacle(pod, owner) ?? nodeObstacle(pod, target, node);
  if (obstacle) return refuse(obstacle);
  const reported = reportOf(observed);
  if ('kind' in reported) return reported;
  const asked = migration.spec.strategy === 'auto' ? reported.strategy : migration.spec.strategy;
  const strategy = strategyFor(asked, reported.keeps);
  if (pathOf(pod) === 'image' && strategy !== 'warm')
    return refuse(
      `strategy ${strategy} needs RuntimeClass godwit; without it the pod moves with its memory or not at all`,
    );
  if (!eviction) return { kind: 'ask-eviction' };
  if (!eviction.allowed) return refuse(eviction.reason);
  return { kind: 'accept', source: pod.spec.nodeName ?? '', workload: reported.name };
}

const refuse = (reason: string): Verdict => ({ kind: 'refuse', reason });

/** Of two Migrations for one pod the earlier one is judged first; the other one is refused as soon as that one is accepted. */
function rivalOf({ migration, others }: Observed): Verdict | undefined {
  const { pod } = migration.spec;
  const rivals = others.filter((other) => other.spec.pod === pod || other.status?.targetPod === pod);
  const accepted = rivals.find((other) => other.status?.phase !== undefined);
  if (accepted) return refuse(`the pod is being moved by Migration ${accepted.metadata.name}`);
  const earlier = rivals.find((other) => isBefore(other, migration));
  return earlier && { kind: 'wait', why: `Migration ${earlier.metadata.name} for the same pod comes first` };
}

function isBefore({ metadata: a }: Migration, { metadata: b }: Migration): boolean {
  const [first, second] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return first === second ? a.uid < b.uid : first < second;
}

/** The workload that the agent of the source's node reports, when both agents are there and know no obstacle. */
function reportOf({ migration, source: pod, records, now }: Observed): Workload | Verdict {
  const { target } = migration.spec;
  const node = pod?.spec.nodeName ?? '';
  if (!records.target) return refuse(`no agent of node ${target} has joined`);
  if (!records.target.engines.includes('kubernetes')) return refuse(`the agent of node ${target} does not move pods`);
  if (!records.source) return refuse(`no agent of node ${node} has joined`);
  const { name, namespace } = pod?.metadata ?? {};
  const found = records.source.workloads.find((one) => one.pod?.name === name && one.pod?.namespace === namespace);
  if (!found) return unreported(node, migration, now);
  if (found.lost) return refuse('its memory was lost in an earlier migration, which waits for a person');
  return found.obstacle === undefined ? found : refuse(found.obstacle);
}

function unreported(node: string, { metadata }: Migration, now: number): Verdict {
  const why = `the agent of node ${node} does not report the pod as a workload`;
  if (now - Date.parse(metadata.creationTimestamp ?? '') < reportedWithinMs) return { kind: 'wait', why };
  return refuse(`${why}; is there an EdgeNode ${node}?`);
}
