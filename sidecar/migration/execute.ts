import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { applyStatus } from '../../k8s/apply.ts';
import { hasStatus } from '../../k8s/kube-error.ts';
import { rfc3339 } from '../../k8s/objects/meta.ts';
import { idOf } from '../../k8s/objects/migration.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import { resources } from '../../k8s/resource.ts';
import type { Store } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import type { Command } from '../../lib/contract/migration.ts';
import { checkpointImage } from '../../lib/contract/pod.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, hasCode } from '../../lib/errors.ts';
import { commandSubject } from '../../lib/subjects.ts';
import type { ControllerTools } from '../controller.ts';
import type { Action } from './actions.ts';
import { cutoverGate, finalizer, handOverMarks } from './marks.ts';
import type { Answers, Eviction, Observed } from './observed.ts';
import { ownerLabels } from './owners.ts';
import { targetPod } from './target-pod.ts';

export interface ExecuteOptions extends Pick<ControllerTools, 'client' | 'connection' | 'epoch' | 'clock' | 'log'> {
  migrations: Store<SagaState>;
  /** Keeps what the API server has answered. */
  learn(migration: string, answer: Answers): void;
}

/** Does one action; a repeat does no harm. @throws KubeError, E_BUS, E_CONFLICT: it is planned and done again */
export type Execute = (action: Action, observed: Observed) => Promise<void>;

/** How long a command may wait for a driver. */
const commandMs = 60_000;

type Deeds = { [K in Action['kind']]: (observed: Observed, action: Extract<Action, { kind: K }>) => Promise<void> };

export function createExecute(options: ExecuteOptions): Execute {
  const js = jetstream(options.connection, viaHub());
  const finalizersOf = ({ migration }: Observed): string[] => migration.metadata.finalizers ?? [];
  const deeds: Deeds = {
    wait: async () => undefined,
    'ask-eviction': (observed) => askEviction(options, observed),
    hold: (observed) => setFinalizers(options, observed, [...finalizersOf(observed), finalizer]),
    'let-go': (observed) =>
      setFinalizers(
        options,
        observed,
        finalizersOf(observed).filter((one) => one !== finalizer),
      ),
    'try-target': (observed) => createTarget(options, observed, { dryRun: true }),
    'create-target': (observed) => createTarget(options, observed),
    'publish-command': (observed) => publishCommand(js, options, observed),
    'ask-cancel': (observed) => askCancel(options, observed),
    'open-gate': (observed) => openGate(options, observed),
    adopt: (observed, { labels }) => adopt(options, observed, labels),
    'release-target': ({ target }) => releaseTarget(options, target),
    disown: ({ source }, { labels }) =>
      setLabels(options, source, Object.fromEntries(labels.map((one) => [one, null]))),
    'delete-pod': (observed, action) => deletePod(options, observed[action.pod], action.gracePeriodSeconds),
  };
  return (action, observed) =>
    (deeds[action.kind] as (seen: Observed, what: Action) => Promise<void>)(observed, action);
}

async function askEviction(options: ExecuteOptions, { source, migration }: Observed): Promise<void> {
  if (source) options.learn(idOf(migration), { eviction: await tryEviction(options, source) });
}

async function deletePod({ client }: ExecuteOptions, pod: Pod | undefined, gracePeriodSeconds: number): Promise<void> {
  if (!pod) return;
  const { metadata } = pod;
  await client.delete(resources.pods, metadata, { gracePeriodSeconds, uid: metadata.uid });
}

/** Asks for an eviction without having it: only a PodDisruptionBudget says no with 429, or two of them with 500. */
async function tryEviction({ client }: ExecuteOptions, { metadata }: Pod): Promise<Eviction> {
  const { name, namespace = 'default' } = metadata;
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  try {
    await client.create(resources.pods, body, { subresource: 'eviction', dryRun: true });
    return { allowed: true };
  } catch (error) {
    if (!hasStatus(error, 429, 500)) throw error;
    return { allowed: false, reason: `the pod's disruption budget speaks against it: ${said(error)}` };
  }
}

/** Only of this very object as it was seen: a conflict otherwise. */
async function setFinalizers({ client }: ExecuteOptions, { migration }: Observed, finalizers: string[]): Promise<void> {
  const { metadata } = migration;
  const { uid, resourceVersion } = metadata;
  const body = { metadata: { uid, resourceVersion, finalizers } };
  try {
    await client.patch(resources.migrations, metadata, { kind: 'merge', body });
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
}

async function createTarget(
  options: ExecuteOptions,
  { migration, source, owner, checkpoints }: Observed,
  { dryRun = false } = {},
): Promise<void> {
  const { status = {}, spec } = migration;
  const byImage = status.path === 'image' && checkpoints !== undefined;
  if (!source || !status.workload) return;
  const pod = targetPod(source, {
    migration: idOf(migration),
    workload: status.workload,
    node: spec.target,
    ownerLabels: ownerLabels(source, owner),
    ...(byImage && { image: checkpointImage(checkpoints, idOf(migration)) }),
  });
  try {
    await options.client.create(resources.pods, pod, { dryRun });
    if (dryRun) options.learn(idOf(migration), { tried: true });
  } catch (error) {
    // ours already, or somebody else's, which is seen next
    if (hasStatus(error, 409)) return dryRun ? options.learn(idOf(migration), { tried: true }) : undefined;
    // a quota, a policy, a webhook
    if (!hasStatus(error, 400, 403, 422)) throw error;
    options.learn(idOf(migration), { creation: `the API server refused the target pod: ${said(error)}` });
  }
}

/** The API server's own words. */
const said = (error: Error): string => error.message.replace(/^[^:]*: /, '').replace(/\.$/, '');

async function publishCommand(
  js: JetStreamClient,
  { epoch, clock }: ExecuteOptions,
  { migration, records }: Observed,
): Promise<void> {
  const { spec, status = {} } = migration;
  const id = idOf(migration);
  const { workload, source } = status;
  const term = epoch();
  if (term === undefined) throw new GodwitError('E_CONFLICT', 'this controller leads no more');
  if (!workload || !source || !records.source)
    throw new GodwitError('E_UNKNOWN_NODE', `no agent of ${source} has joined`);
  const now = clock.now();
  const command: Command = {
    ...{ id, workload, source },
    ...{ target: spec.target, strategy: spec.strategy, trigger: spec.trigger },
    decision: spec.decision ?? id,
    epoch: term,
    issuedAt: now,
    expiresAt: now + commandMs,
  };
  await publish(js, commandSubject(records.source.site, id), command, { id });
}

/** Leaves the wish in the migration's state, for its driver; too late, or too early, it does nothing. */
async function askCancel({ migrations, log }: ExecuteOptions, { migration }: Observed): Promise<void> {
  const id = idOf(migration);
  const found = await migrations.get(id);
  if (!found || found.value.cancelRequested || found.value.direction === 'ended') return;
  if (found.value.record === 'committed') return;
  await migrations.update(id, { ...found.value, cancelRequested: true }, found.revision);
  log.info({ migration: id }, 'cancellation asked for');
}

async function openGate({ client, clock }: ExecuteOptions, { target }: Observed): Promise<void> {
  if (!target) return;
  const condition = { type: cutoverGate, status: 'True', reason: 'CopyRuns', lastTransitionTime: rfc3339(clock.now()) };
  // of the kubelet's list only this entry is ours
  const { name, namespace, uid } = target.metadata;
  await applyStatus(client, resources.pods, { name, namespace, uid }, { conditions: [condition] });
}

/** Lowest of all: of the pods that are alike a ReplicaSet ends this one first. */
const deletionCost = { 'controller.kubernetes.io/pod-deletion-cost': '-2147483647' };

async function adopt(options: ExecuteOptions, observed: Observed, labels: Record<string, string>): Promise<void> {
  const { client } = options;
  const { source, target, migration } = observed;
  if (source && source.metadata.uid === migration.status?.sourcePodUID) {
    const body = { metadata: { uid: source.metadata.uid, annotations: deletionCost } };
    await client.patch(resources.pods, source.metadata, { kind: 'merge', body }).catch((error: unknown) => {
      if (!hasStatus(error, 404)) throw error;
    });
  }
  await setLabels(options, target, labels);
}

async function releaseTarget({ client }: ExecuteOptions, target: Pod | undefined): Promise<void> {
  if (!target) return;
  const { metadata } = target;
  const annotations = Object.fromEntries(Object.values(handOverMarks).map((name) => [name, null]));
  await client.patch(resources.pods, metadata, {
    kind: 'merge',
    body: { metadata: { uid: metadata.uid, annotations } },
  });
}

async function setLabels(
  { client }: ExecuteOptions,
  pod: Pod | undefined,
  labels: Record<string, string | null>,
): Promise<void> {
  if (!pod) return;
  const { metadata } = pod;
  try {
    const body = { metadata: { uid: metadata.uid, labels } };
    await client.patch(resources.pods, metadata, { kind: 'merge', body });
  } catch (error) {
    if (!hasStatus(error, 404) && !hasCode(error, 'E_CONFLICT')) throw error;
  }
}
