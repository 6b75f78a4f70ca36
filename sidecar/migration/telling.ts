import type { KubeEvent } from '../../k8s/events.ts';
import type { Migration, MigrationStatus } from '../../k8s/objects/migration.ts';

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
