import { type Condition, rfc3339, withCondition } from '../../k8s/objects/meta.ts';
import { idOf, type MigrationStatus } from '../../k8s/objects/migration.ts';
import { pathOf } from '../pods/obstacles.ts';
import { downtimeMs } from './downtime.ts';
import type { Observed } from './observed.ts';
import { isCommitted, type Progress } from './progress.ts';
import { targetPodName } from './target-pod.ts';

type Phase = NonNullable<MigrationStatus['phase']>;
type ConditionType = 'Accepted' | 'Prepared' | 'Committed' | 'Completed';
type Context = Pick<Observed, 'migration' | 'now'>;

// All return the whole status, built on the one that the object has.

export function accepted(
  { migration, source, now }: Observed,
  to: { source: string; workload: string },
): MigrationStatus {
  const { spec, metadata } = migration;
  const status: MigrationStatus = {
    ...migration.status,
    phase: 'Pending',
    observedGeneration: metadata.generation ?? 1,
    source: to.source,
    workload: to.workload,
    ...(source && { sourcePodUID: source.metadata.uid }),
    targetPod: targetPodName(spec.pod, idOf(migration)),
    path: (source && pathOf(source)) ?? 'runtime',
    startedAt: rfc3339(now),
  };
  const message = `${spec.pod} moves from ${to.source} to ${spec.target}`;
  return withOne({ migration, now }, status, 'Accepted', 'True', 'Checked', message);
}

/** A condition that is to become True says what is waited for. */
export function waiting({ migration, now }: Context, type: ConditionType, why: string): MigrationStatus {
  return withOne({ migration, now }, { ...migration.status }, type, 'False', 'Waiting', why);
}

/** The command is published, and no driver has told anything yet. */
export function prepared({ migration, now }: Context): MigrationStatus {
  const status: MigrationStatus = { ...migration.status, phase: 'Running', stage: 'requested' };
  const message =
    migration.status?.path === 'image'
      ? 'the command is published; the target pod follows its image'
      : 'the target pod waits for its copy; the command is published';
  return withOne({ migration, now }, status, 'Prepared', 'True', 'Commanded', message);
}

/** What the events have told. */
export function mirrored(
  { migration, target, now }: Context & Pick<Observed, 'target'>,
  progress: Progress,
): MigrationStatus {
  const { stage, stageTimes, result, reason, measurements } = progress;
  const { freezeMs, totalMs, memoryBytes } = measurements;
  const times = Object.entries(stageTimes).map(([name, at]) => [name, rfc3339(at)]);
  const { reason: _, ...before } = prepared({ migration, now });
  const downtime = before.downtimeMs ?? downtimeMs(progress, target, now);
  const status: MigrationStatus = {
    ...before,
    phase: phaseOf(progress),
    stage,
    stageTimes: Object.fromEntries(times),
    ...(freezeMs !== undefined && { freezeMs: Math.round(freezeMs) }),
    ...(downtime !== undefined && { downtimeMs: downtime }),
    ...(totalMs !== undefined && { totalMs: Math.round(totalMs) }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(reason !== undefined && result !== 'succeeded' && { reason }),
    ...(progress.endedAt !== undefined && { endedAt: rfc3339(progress.endedAt) }),
  };
  if (!isCommitted(progress)) return status;
  const message = 'the source has handed the lead to the copy';
  return withOne({ migration, now }, status, 'Committed', 'True', 'Recorded', message);
}

function phaseOf({ stage, result }: Progress): Phase {
  if (result === 'lost') return 'Lost';
  return stage === 'in-doubt' || result === 'in-doubt' ? 'InDoubt' : 'Running';
}

/** Nothing more is done. */
export function ended({ migration, now }: Context, phase: Phase, reason: string | undefined): MigrationStatus {
  const before = migration.status ?? {};
  const status: MigrationStatus = {
    ...before,
    phase,
    observedGeneration: migration.metadata.generation ?? 1,
    endedAt: before.endedAt ?? rfc3339(now),
    ...(reason !== undefined && { reason }),
  };
  const message = reason ?? `${before.targetPod} runs on ${migration.spec.target}`;
  const context = { migration, now };
  const judged = before.conditions?.some(({ type, status: is }) => type === 'Accepted' && is === 'True')
    ? status
    : withOne(context, status, 'Accepted', 'False', 'Refused', message);
  return withOne(context, judged, 'Completed', 'True', phase, message);
}

function withOne(
  { migration, now }: Context,
  status: MigrationStatus,
  type: ConditionType,
  value: Condition['status'],
  reason: string,
  message: string,
): MigrationStatus {
  const observedGeneration = migration.metadata.generation ?? 1;
  const condition = { type, status: value, reason, message, observedGeneration };
  return { ...status, conditions: withCondition(status.conditions ?? [], condition, now) };
}
