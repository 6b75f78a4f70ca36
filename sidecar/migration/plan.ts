import { idOf, type Migration, type MigrationStatus } from '../../k8s/objects/migration.ts';
import { isTrue, type Pod } from '../../k8s/objects/pod.ts';
import { inboundMarks } from '../../lib/contract/pod.ts';
import type { Plan } from './actions.ts';
import { handOver } from './hand-over.ts';
import { judge } from './judge.ts';
import { cutoverGate, finalizer } from './marks.ts';
import type { Observed } from './observed.ts';
import { runs } from './progress.ts';
import { accepted, ended, mirrored, prepared, waiting } from './status.ts';

export const targetDeadlineMs = 300_000;

/** From all that is known to the next step, whatever was done before and by whom. */
export function plan(observed: Observed): Plan {
  const { migration, progress, namesake } = observed;
  const { status = {}, metadata } = migration;
  if (isTrue({ status }, 'Completed') || (status.phase === 'Lost' && metadata.deletionTimestamp && !settled(observed)))
    return { status, action: metadata.finalizers?.includes(finalizer) ? { kind: 'let-go' } : { kind: 'wait' } };
  // what is told of that id is of the other one
  if (namesake) return { status: ended(observed, 'Refused', takenBy(namesake)), action: { kind: 'wait' } };
  if (progress?.result !== undefined) return planEnd(observed);
  if (isTrue({ status }, 'Prepared') || progress) return planRunning(observed);
  if (isTrue({ status }, 'Accepted')) return planPreparation(observed);
  return planBegin(observed);
}

const takenBy = ({ metadata: { namespace, name } }: Migration): string => `Migration ${namespace}/${name} has this id`;

const settled = ({ progress }: Observed): boolean => progress?.result !== undefined && progress.result !== 'lost';

function planBegin(observed: Observed): Plan {
  const { migration } = observed;
  const { status = {}, metadata } = migration;
  if (metadata.deletionTimestamp)
    return { status, action: { kind: metadata.finalizers?.includes(finalizer) ? 'let-go' : 'wait' } };
  const verdict = judge(observed);
  switch (verdict.kind) {
    case 'refuse':
      return { status: ended(observed, 'Refused', verdict.reason), action: { kind: 'wait' } };
    case 'wait':
      return { status: waiting(observed, 'Accepted', verdict.why), action: { kind: 'wait' } };
    case 'ask-eviction':
      return { status, action: { kind: 'ask-eviction' } };
    case 'accept':
      if (!metadata.finalizers?.includes(finalizer)) return { status, action: { kind: 'hold' } };
      return { status: accepted(observed, verdict), action: { kind: 'wait' } };
  }
}

/** Accepted, and nothing commanded: whatever happens, the source runs on. */
function planPreparation(observed: Observed): Plan {
  const { migration, target, records } = observed;
  const { deletionTimestamp } = migration.metadata;
  const giveUp = deletionTimestamp ? 'cancelled on request' : preparationFault(observed);
  if (giveUp !== undefined) {
    const { status = {} } = migration;
    if (target && !target.metadata.deletionTimestamp) return { status, action: deleteTarget };
    return { status: ended(observed, deletionTimestamp ? 'RolledBack' : 'Refused', giveUp), action: { kind: 'wait' } };
  }
  if (migration.status?.path === 'image') {
    const { status = {} } = migration;
    if (!observed.tried) return { status, action: { kind: 'try-target' } };
    return { status, action: { kind: 'publish-command' }, after: prepared(observed) };
  }
  const why = waitingReason(target) ?? 'its container is not waiting there yet';
  if (!target) return { status: migration.status ?? {}, action: { kind: 'create-target' } };
  if (records.target?.inbound?.includes(idOf(migration)))
    return { status: migration.status ?? {}, action: { kind: 'publish-command' }, after: prepared(observed) };
  return {
    status: waiting(observed, 'Prepared', `${target.metadata.name} on ${migration.spec.target}: ${why}`),
    action: { kind: 'wait' },
  };
}

const deleteTarget: Plan['action'] = { kind: 'delete-pod', pod: 'target', gracePeriodSeconds: 0 };

/** The very pod that was accepted: another one may have its name by now. */
const sourceIsGone = ({ migration: { status }, source }: Observed): boolean =>
  !source || source.metadata.uid !== status?.sourcePodUID || source.metadata.deletionTimestamp !== undefined;

function preparationFault(observed: Observed): string | undefined {
  const { migration, source, target, creation, now } = observed;
  const { status = {}, spec } = migration;
  if (sourceIsGone(observed) || source?.status?.phase !== 'Running')
    return `pod ${spec.pod} ended while its place at ${spec.target} was prepared`;
  if (!target && creation !== undefined) return creation;
  if (target && target.metadata.annotations?.[inboundMarks.migration] !== idOf(migration))
    return `there is a pod ${target.metadata.name} of somebody else`;
  if (target?.status?.phase === 'Failed')
    return `node ${spec.target} did not take the pod: ${target.status.message ?? target.status.reason ?? 'no reason was given'}`;
  const lateMs = now - Date.parse(status.startedAt ?? '') - targetDeadlineMs;
  if (lateMs < 0) return undefined;
  const why = target ? (waitingReason(target) ?? 'its container was not created') : 'its pod was not created';
  return `node ${spec.target} was not ready for the copy in ${targetDeadlineMs / 60_000} minutes: ${why}`;
}

/** Why the pod's container does not run, as its kubelet says. */
function waitingReason(pod: Pod | undefined): string | undefined {
  const { waiting: state } = pod?.status?.containerStatuses?.[0]?.state ?? {};
  if (state?.reason) return [state.reason, state.message].filter(Boolean).join(': ');
  const unmet = pod?.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return unmet?.message;
}

/** Commanded: the driver decides, the object tells. */
function planRunning(observed: Observed): Plan {
  const { migration, progress, target } = observed;
  const status = progress ? mirrored(observed, progress) : prepared(observed);
  if (progress && runs(progress)) return planRest(observed, status);
  if (status.path === 'image') return planImage(observed, status);
  // the kubelet does not see that a pod is gone while its container is being created: the copy would run
  const targetIsGone = !target || target.metadata.deletionTimestamp !== undefined;
  const unwanted = migration.metadata.deletionTimestamp !== undefined || targetIsGone || sourceIsGone(observed);
  return { status, action: { kind: unwanted ? 'ask-cancel' : 'wait' } };
}

/** The copy has been told to run; the source stays, stopped, until its node says that all of its memory is there. */
function planRest({ migration, target, now }: Observed, status: MigrationStatus): Plan {
  if (target && !isTrue(target, cutoverGate)) return { status, action: { kind: 'open-gate' } };
  const { node, id } = { node: migration.spec.target, id: idOf(migration) };
  const why =
    target && isTrue(target, 'Ready')
      ? `the source is released when ${node} has all of the memory`
      : `${status.targetPod} on ${node} is not Ready; if ${node} is gone for good: godwit resolve ${id} --keep source --node-is-dead ${node}`;
  const context = { migration: { ...migration, status }, now };
  return { status: waiting(context, 'Completed', why), action: { kind: 'wait' } };
}

/** By an image: the target pod is made when that is in its registry, and the copy is held when it comes up. */
function planImage(observed: Observed, status: MigrationStatus): Plan {
  const { migration, progress, target } = observed;
  if (migration.metadata.deletionTimestamp || sourceIsGone(observed)) return { status, action: { kind: 'ask-cancel' } };
  const fault = imageFault(observed);
  if (fault !== undefined) {
    const told = waiting({ ...observed, migration: { ...migration, status } }, 'Committed', fault);
    return { status: told, action: { kind: 'ask-cancel' } };
  }
  const isDue = progress?.stage === 'restore' && progress.result === undefined;
  return { status, action: { kind: isDue && !target ? 'create-target' : 'wait' } };
}

/** What a kubelet says of a container that will not come up. */
const failing =
  /^(ErrImage|ImagePullBackOff|InvalidImageName|CreateContainer.*Error|RunContainerError|CrashLoopBackOff)/;

function imageFault({ migration, target, creation }: Observed): string | undefined {
  if (!target) return creation;
  const where = `${target.metadata.name} on ${migration.spec.target}`;
  if (target.metadata.deletionTimestamp) return `${where} was deleted`;
  if (target.metadata.annotations?.[inboundMarks.migration] !== idOf(migration))
    return `there is a pod ${target.metadata.name} of somebody else`;
  const why = waitingReason(target) ?? '';
  if (failing.test(why)) return `${where}: ${why}`;
  if (target.status?.phase === 'Failed')
    return `${where} failed: ${failureOf(target) ?? target.status.message ?? target.status.reason ?? 'no reason was given'}`;
  return undefined;
}

function failureOf(pod: Pod): string | undefined {
  const { terminated } = pod.status?.containerStatuses?.[0]?.state ?? {};
  return terminated && [terminated.reason, terminated.message].filter(Boolean).join(': ');
}

/** The terminal event is there: what stands goes to whom it belongs, then the object says so. */
function planEnd(observed: Observed): Plan {
  const { progress, target } = observed;
  if (!progress) return { status: observed.migration.status ?? {}, action: { kind: 'wait' } };
  const status = mirrored(observed, progress);
  const { result = 'failed' } = progress;
  const cause = status.conditions?.find(({ type, reason: is }) => type === 'Committed' && is === 'Waiting')?.message;
  const reason = cause ?? progress.reason ?? 'no reason was told';
  switch (result) {
    case 'lost':
    case 'in-doubt':
      // both pods stay: a person decides
      return { status, action: { kind: 'wait' } };
    case 'succeeded': {
      const { action, why } = handOver(observed);
      if (action)
        return {
          status: waiting({ ...observed, migration: { ...observed.migration, status } }, 'Completed', why),
          action,
        };
      return {
        status: ended({ ...observed, migration: { ...observed.migration, status } }, 'Succeeded', undefined),
        action: { kind: 'wait' },
      };
    }
    case 'refused':
    case 'rolled-back':
    case 'failed': {
      if (target && !target.metadata.deletionTimestamp) return { status, action: deleteTarget };
      const phase = ({ refused: 'Refused', 'rolled-back': 'RolledBack', failed: 'Failed' } as const)[result];
      const { pod } = observed.migration.spec;
      const why = sourceIsGone(observed) ? `pod ${pod} was deleted while it moved; ${reason}` : reason;
      return {
        status: ended({ ...observed, migration: { ...observed.migration, status } }, phase, why),
        action: { kind: 'wait' },
      };
    }
  }
}
