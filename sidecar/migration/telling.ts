import type { KubeEvent } from '../../k8s/events.ts';
import { idOf, type Migration, type MigrationStatus } from '../../k8s/objects/migration.ts';
import { isTrue } from '../../k8s/objects/pod.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { eventSubject } from '../../lib/subjects.ts';
import type { Observed } from './observed.ts';

/** What `kubectl describe` of pod and Migration tells of a change of phase; nothing when there is none. */
export function eventOf({ metadata, spec, status: before }: Migration, after: MigrationStatus): KubeEvent | undefined {
  const { phase, reason, source } = after;
  if (phase === undefined || phase === before?.phase) return undefined;
  const who = `Migration ${metadata.name}`;
  const news: Record<typeof phase, Pick<KubeEvent, 'reason' | 'note'>> = {
    Pending: { reason: 'MigrationAccepted', note: `${who}: ${spec.pod} moves from ${source} to ${spec.target}` },
    Running: { reason: 'MigrationStarted', note: `${who}: ${spec.target} is ready for the copy` },
    Succeeded: { reason: 'MigrationSucceeded', note: `${who}: ${after.targetPod} runs on ${spec.target}` },
    Refused: { reason: 'MigrationRefused', note: `${who}: ${reason}` },
    RolledBack: { reason: 'MigrationRolledBack', note: `${who}: ${spec.pod} runs on; ${reason}` },
    Failed: { reason: 'MigrationFailed', note: `${who}: ${reason}` },
    InDoubt: { reason: 'MigrationInDoubt', note: `${who}: both copies are stopped; ${reason}` },
    Lost: { reason: 'MigrationLost', note: `${who}: ${reason}` },
  };
  const good = ['Pending', 'Running', 'Succeeded'].includes(phase);
  return { type: good ? 'Normal' : 'Warning', action: 'Migrate', ...news[phase] };
}

export interface Told {
  subject: string;
  event: MigrationEvent;
  /** Of the message: a repeat is dropped. */
  id: string;
}

/**
 * What deciders have to hear of a Migration that has no command yet: `requested` keeps their reservation while the target's pod comes
 * up, `ended` with `refused` ends it. The term is 0: no driver has said it.
 */
export function tellsOf(observed: Observed, after: MigrationStatus, epoch: number): Told | undefined {
  const { migration, namesake, source, records, now } = observed;
  // deciders would take it for the other one's
  if (namesake) return undefined;
  const { status: before = {}, spec, metadata } = migration;
  if (after.phase === before.phase || isTrue({ status: before }, 'Prepared')) return undefined;
  const refused = after.phase === 'Refused' || after.phase === 'RolledBack';
  if (!refused && after.phase !== 'Pending') return undefined;
  const id = idOf(migration);
  const stage = refused ? 'ended' : 'requested';
  const { strategy, trigger, target, decision = id } = spec;
  const event: MigrationEvent = {
    ...{ id, target, strategy, trigger, decision, epoch, stage, at: now, term: 0 },
    workload: after.workload ?? `${metadata.namespace}.${spec.pod}`,
    source: after.source ?? source?.spec.nodeName ?? unknown,
    ...(refused && { result: 'refused' as const, reason: after.reason ?? 'no reason was told' }),
  };
  const site = records.source?.site ?? records.target?.site ?? unknown;
  return { subject: eventSubject(site, id, stage), event, id: refused ? `${id}.ended` : `${id}.requested.0` };
}

/** Of a pod that is on no node. */
const unknown = 'unknown';
