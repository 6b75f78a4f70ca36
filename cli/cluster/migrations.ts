import { type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { resources, type Selection } from '../../k8s/resource.ts';
import { parseAs } from '../../lib/parse.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Resource } from '../kinds/resource.ts';
import { age, bytes, duration, type Kind } from '../output.ts';
import { unknownName } from '../suggest.ts';
import { type Cluster, clusterProgram } from './cluster.ts';
import { watched } from './watched.ts';

/** Phases in which nothing will happen any more; in doubt and lost wait for a person. */
const ends: readonly string[] = ['Refused', 'Succeeded', 'RolledBack', 'Failed', 'Lost'];

export const hasEnded = ({ status }: Migration): boolean => ends.includes(status?.phase ?? '');

export const isCommitted = ({ status }: Migration): boolean =>
  status?.conditions?.find(({ type }) => type === 'Committed')?.status === 'True';

/** `Unseen`: no controller has taken it up yet. */
export const phaseOf = ({ status }: Migration): string => status?.phase ?? 'Unseen';

/** How a migration that somebody asked for has gone. */
export function exitCodeOfPhase({ status }: Migration): ExitCode {
  if (status?.phase === 'Succeeded') return exitCodes.done;
  return status?.phase === 'Refused' ? exitCodes.refused : exitCodes.failed;
}

const optional = <T>(value: T | undefined, show: (value: T) => string): string | undefined =>
  value === undefined ? undefined : show(value);

const migrationKind =
  (everywhere: boolean) =>
  (now: number): Kind<Migration> => ({
    kind: 'migration',
    name: ({ metadata }) => metadata.name,
    columns: [
      ...(everywhere ? [{ header: 'NAMESPACE', value: ({ metadata }: Migration) => metadata.namespace }] : []),
      { header: 'NAME', value: ({ metadata }) => metadata.name },
      { header: 'POD', value: ({ spec }) => spec.pod },
      { header: 'FROM', value: ({ status }) => status?.source },
      { header: 'TO', value: ({ spec }) => spec.target },
      { header: 'STRATEGY', value: ({ spec }) => spec.strategy },
      { header: 'PHASE', value: phaseOf },
      { header: 'STAGE', value: ({ status }) => status?.stage },
      { header: 'FREEZE', value: ({ status }) => optional(status?.freezeMs, duration) },
      { header: 'TOTAL', value: ({ status }) => optional(status?.totalMs, duration) },
      { header: 'AGE', value: ({ metadata }) => age(Date.parse(metadata.creationTimestamp ?? ''), now) },
      { header: 'TRIGGER', wide: true, value: ({ spec }) => spec.trigger },
      { header: 'PATH', wide: true, value: ({ status }) => status?.path },
      { header: 'DOWNTIME', wide: true, value: ({ status }) => optional(status?.downtimeMs, duration) },
      { header: 'MEMORY', wide: true, value: ({ status }) => optional(status?.memoryBytes, bytes) },
      { header: 'INTO', wide: true, value: ({ status }) => status?.targetPod },
      { header: 'REASON', wide: true, value: ({ status }) => status?.reason },
    ],
  });

/** Those of one namespace, or of all; oldest first. */
export const migrationsOf = (selection: Selection): Resource<Migration, Cluster> => ({
  kind: migrationKind(selection.namespace === undefined),
  unknown: 'E_UNKNOWN_MIGRATION',
  list: async (cluster, limit) => (await listMigrations(cluster, selection)).slice(-limit),
  changes: async function* (cluster, _since, signal) {
    for await (const { kind, object } of watched(cluster, resources.migrations, {
      ...{ selection, schema: migrationSchema, signal },
    }))
      if (kind !== 'deleted') yield object;
  },
  fingerprint: ({ metadata, status }) => JSON.stringify([metadata.namespace, status]),
});

async function listMigrations({ client }: Cluster, selection: Selection): Promise<Migration[]> {
  const { items } = await client.list(resources.migrations, selection);
  const all = items.map((item) => parseAs(migrationSchema, item, 'Migration'));
  const createdAt = ({ metadata }: Migration): string => metadata.creationTimestamp ?? '';
  return all.sort((a, b) => createdAt(a).localeCompare(createdAt(b)));
}

/** In the cluster's namespace. @throws E_UNKNOWN_MIGRATION */
export async function findMigration(cluster: Cluster, name: string): Promise<Migration> {
  const { client, namespace } = cluster;
  const found = await client.get(resources.migrations, { namespace, name });
  if (found) return parseAs(migrationSchema, found, `Migration ${namespace}/${name}`);
  const known = (await listMigrations(cluster, { namespace })).map(({ metadata }) => metadata.name);
  throw unknownName(
    'E_UNKNOWN_MIGRATION',
    'migration',
    name,
    known.reverse(),
    `${clusterProgram} get migrations --namespace ${namespace}`,
  );
}
