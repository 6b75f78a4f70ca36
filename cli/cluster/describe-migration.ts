import { z } from 'zod';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import type { Migration } from '../../k8s/objects/migration.ts';
import { resources } from '../../k8s/resource.ts';
import { stages } from '../../lib/contract/migration.ts';
import { parseAs } from '../../lib/parse.ts';
import { fields, section, time } from '../describe/text.ts';
import { bytes, duration } from '../output.ts';
import type { Cluster } from './cluster.ts';
import { findMigration, phaseOf } from './migrations.ts';

/** What is read of an Event of events.k8s.io. */
const eventSchema = kubeObjectSchema.extend({
  eventTime: z.string().nullish(),
  deprecatedFirstTimestamp: z.string().nullish(),
  reason: z.string().default(''),
  note: z.string().default(''),
});
type Told = z.infer<typeof eventSchema>;

/** State, measurements, the start of each stage, conditions and Events. @throws E_UNKNOWN_MIGRATION */
export async function describeMigration(cluster: Cluster, name: string): Promise<string> {
  const migration = await findMigration(cluster, name);
  const { namespace, uid } = migration.metadata;
  const { items } = await cluster.client.list(resources.events, {
    ...(namespace !== undefined && { namespace }),
    fieldSelector: `regarding.uid=${uid}`,
  });
  return migrationText(
    migration,
    items.map((item) => parseAs(eventSchema, item, 'Event')),
  );
}

export function migrationText(migration: Migration, events: readonly Told[]): string {
  const { metadata, spec, status } = migration;
  const conditions = (status?.conditions ?? []).map((one) => [
    one.type,
    [`${one.status}, ${one.reason}`, one.message].filter(Boolean).join(': '),
  ]);
  return [
    fields({
      Migration: `${metadata.namespace}/${metadata.name}`,
      Id: spec.id ?? metadata.uid,
      Pod: spec.pod,
      Workload: status?.workload,
      Source: status?.source,
      Target: spec.target,
      'Target pod': status?.targetPod,
      Strategy: spec.strategy,
      Path: status?.path,
      Phase: phaseOf(migration),
      Stage: status?.stage,
      Reason: status?.reason,
      'Cancel asked': metadata.deletionTimestamp && 'yes',
      Trigger: spec.trigger,
      Decision: spec.decision,
    }),
    section('\nMeasured', fields(measured(migration), '  ')),
    section('\nStages', fields(stageStarts(migration), '  ')),
    section('\nConditions', fields(Object.fromEntries(conditions), '  ')),
    section('\nEvents', events.map(toldAt).sort(byTime).map(eventLine).join('')),
  ].join('');
}

function measured({ status = {} }: Migration): Record<string, string | undefined> {
  const ms = (value: number | undefined): string | undefined => (value === undefined ? undefined : duration(value));
  return {
    Freeze: ms(status.freezeMs),
    Downtime: ms(status.downtimeMs),
    Total: ms(status.totalMs),
    Memory: status.memoryBytes === undefined ? undefined : bytes(status.memoryBytes),
  };
}

/** How long after the object was made each stage began; the API server's times are whole seconds. */
function stageStarts({ metadata, status }: Migration): Record<string, string> {
  const from = Date.parse(metadata.creationTimestamp ?? '');
  const begun = stages.flatMap((stage) => {
    const at = status?.stageTimes?.[stage];
    return at === undefined ? [] : [[stage, `+${duration(Math.max(0, Date.parse(at) - from))}`]];
  });
  return Object.fromEntries(begun);
}

interface Line {
  at: number;
  said: string;
}

const toldAt = ({ eventTime, deprecatedFirstTimestamp, metadata, reason, note }: Told): Line => ({
  at: Date.parse(eventTime ?? deprecatedFirstTimestamp ?? metadata.creationTimestamp ?? ''),
  said: `${reason}: ${note}`,
});
const byTime = (a: Line, b: Line): number => a.at - b.at;
const eventLine = ({ at, said }: Line): string => `  ${time(at)}  ${said}\n`;
