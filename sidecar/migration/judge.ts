import { idOf, type Migration } from '../../k8s/objects/migration.ts';
import { isTrue, type Pod } from '../../k8s/objects/pod.ts';
import type { Workload } from '../../lib/contract/node.ts';
import { obstacleTo, strategyFor } from '../pods/obstacles.ts';
import { podSchema } from '../pods/pod.ts';
import { nodeObstacle } from './node-obstacle.ts';
import type { Observed } from './observed.ts';
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
  const phase = pod.status?.phase ?? 'not known to a node';
  if (phase !== 'Running') return refuse(`the pod is ${phase}, not Running`);
  const obstacle = specObstacle(observed, pod) ?? ownerObstacle(pod, owner) ?? nodeObstacle(pod, target, node);
  if (obstacle) return refuse(obstacle);
  const reported = reportOf(observed);
  if ('kind' in reported) return reported;
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

/** The Migration that has the id of this one and was there first; one that was accepted keeps it. */
export function namesakeOf(migration: Migration, known: readonly Migration[]): Migration | undefined {
  if (isAccepted(migration)) return undefined;
  return known
    .filter((one) => one.metadata.uid !== migration.metadata.uid && idOf(one) === idOf(migration))
    .find((one) => isAccepted(one) || isBefore(one, migration));
}

const isAccepted = ({ status = {} }: Migration): boolean => isTrue({ status }, 'Accepted');

function isBefore({ metadata: a }: Migration, { metadata: b }: Migration): boolean {
  const [first, second] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return first === second ? a.uid < b.uid : first < second;
}

/** By the strategy that the agents will come to. */
function specObstacle(observed: Observed, pod: Pod): string | undefined {
  const facts = podSchema.parse(pod);
  const [container] = facts.spec.containers;
  const { strategy: declared = 'auto', keeps = 'memory' } = workloadOf(observed) ?? {};
  const { strategy: asked } = observed.migration.spec;
  const strategy = strategyFor(asked === 'auto' ? declared : asked, keeps);
  return container && obstacleTo(facts, container, strategy, observed.checkpoints);
}

function workloadOf({ source, records }: Observed): Workload | undefined {
  const { name, namespace } = source?.metadata ?? {};
  return records.source?.workloads.find((one) => one.pod?.name === name && one.pod?.namespace === namespace);
}

/** The workload that the agent of the source's node reports, when both agents are there and know no obstacle. */
function reportOf(observed: Observed): Workload | Verdict {
  const { migration, source: pod, records, now } = observed;
  const { target } = migration.spec;
  const node = pod?.spec.nodeName ?? '';
  if (!records.target) return refuse(`no agent of node ${target} has joined`);
  if (!records.target.engines.includes('kubernetes')) return refuse(`the agent of node ${target} does not move pods`);
  if (!records.source) return refuse(`no agent of node ${node} has joined`);
  const found = workloadOf(observed);
  if (!found) return unreported(node, migration, now);
  if (found.lost) return refuse('its memory was lost in an earlier migration, which waits for a person');
  return found.obstacle === undefined ? found : refuse(found.obstacle);
}

function unreported(node: string, { metadata }: Migration, now: number): Verdict {
  const why = `the agent of node ${node} does not report the pod as a workload`;
  if (now - Date.parse(metadata.creationTimestamp ?? '') < reportedWithinMs) return { kind: 'wait', why };
  return refuse(`${why}; is there an EdgeNode ${node}?`);
}
