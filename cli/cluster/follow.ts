import { hasStatus } from '../../k8s/kube-error.ts';
import { type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { resources } from '../../k8s/resource.ts';
import { GodwitError } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import type { Io } from '../io.ts';
import { duration } from '../output.ts';
import { type Cluster, clusterProgram } from './cluster.ts';
import { hasEnded, phaseOf } from './migrations.ts';

const lookEveryMs = 300;

export interface Followed {
  /** As it was seen last. */
  migration: Migration;
  /** The object is not there any more. */
  gone: boolean;
}

/**
 * Shows on stderr what becomes of a migration, until it has ended or its object is gone; with `untilGone` an end alone is not enough.
 * An API server that does not answer is asked again. @throws E_TIMEOUT past `timeoutMs`, while it goes on
 */
export async function followMigration(
  { client }: Cluster,
  io: Io,
  begun: Migration,
  { timeoutMs, untilGone = false }: { timeoutMs: number; untilGone?: boolean },
): Promise<Followed> {
  const { name, namespace, uid } = begun.metadata;
  const began = io.clock.monotonic();
  const elapsed = (): number => io.clock.monotonic() - began;
  let migration = begun;
  let said = '';
  while (elapsed() < timeoutMs) {
    const found = await client.get(resources.migrations, { namespace, name }, { signal: io.signal }).catch(unlessAway);
    if (found !== 'away') {
      if (found?.metadata.uid !== uid) return { migration, gone: true };
      migration = parseAs(migrationSchema, found, `Migration ${namespace}/${name}`);
      const line = progressOf(migration);
      if (line !== said) io.err(`${`+${duration(elapsed())}`.padStart(9)}  ${line}\n`);
      said = line;
      if (hasEnded(migration) && !untilGone) return { migration, gone: false };
    }
    await io.clock.sleep(lookEveryMs, { signal: io.signal }).catch(() => undefined);
    if (!io.signal.aborted) continue;
    io.err(`it goes on: ${look(migration)}\n`);
    io.signal.throwIfAborted();
  }
  throw stillUnderWay(migration, timeoutMs);
}

function unlessAway(error: unknown): 'away' {
  if (hasStatus(error, 0, 429, 500, 503, 504)) return 'away';
  throw error;
}

const look = ({ metadata: { name, namespace } }: Migration): string =>
  `${clusterProgram} describe migration ${name} --namespace ${namespace}`;

function stillUnderWay(migration: Migration, timeoutMs: number): GodwitError {
  const { metadata, status } = migration;
  const stands = status?.phase ? `it stands at ${status.stage ?? status.phase}` : 'no controller has taken it up';
  const next = status?.phase
    ? `it goes on: ${look(migration)}`
    : `${clusterProgram} doctor tells whether controllers run`;
  return new GodwitError(
    'E_TIMEOUT',
    `migration ${metadata.name} has not ended after ${duration(timeoutMs)}: ${stands}`,
    {
      next,
    },
  );
}

function progressOf(migration: Migration): string {
  const { stage, reason } = migration.status ?? {};
  const phase = phaseOf(migration);
  return [stage && !hasEnded(migration) ? `${phase} (${stage})` : phase, reason].filter(Boolean).join(': ');
}
