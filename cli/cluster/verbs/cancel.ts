import { z } from 'zod';
import type { Migration } from '../../../k8s/objects/migration.ts';
import { resources } from '../../../k8s/resource.ts';
import { GodwitError } from '../../../lib/errors.ts';
import { exitCodes } from '../../exit.ts';
import { parseFlags, timeFlag } from '../../flags.ts';
import type { Verb } from '../../io.ts';
import { clusterFlags, clusterProgram, withCluster } from '../cluster.ts';
import { followMigration } from '../follow.ts';
import { findMigration, hasEnded, isCommitted, phaseOf } from '../migrations.ts';

const shape = {
  migration: z.string(),
  wait: z.boolean().default(false),
  timeout: timeFlag.prefault('5m'),
  ...clusterFlags,
};

/** The pod runs on where it was. In the first two nothing had been commanded. */
const stoodStill = ['Unseen', 'Pending', 'Refused', 'RolledBack'];

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'cancel');
  return withCluster(flags, io, async (cluster) => {
    const migration = await findMigration(cluster, flags.migration);
    refuseLate(migration);
    const { name, uid } = migration.metadata;
    await cluster.client.delete(resources.migrations, { namespace: cluster.namespace, name }, { uid });
    io.out(`migration/${name}\n`);
    io.err('It is asked to roll back; the source runs on unless the commit was first.\n');
    if (!flags.wait) return exitCodes.done;
    const follow = { timeoutMs: flags.timeout, untilGone: true };
    const { migration: end } = await followMigration(cluster, io, migration, follow);
    return stoodStill.includes(phaseOf(end)) ? exitCodes.done : exitCodes.failed;
  });
};

/** @throws E_RECORD when it is too late */
function refuseLate(migration: Migration): void {
  const { metadata, spec, status } = migration;
  const { name, namespace } = metadata;
  if (hasEnded(migration))
    throw new GodwitError('E_RECORD', `migration ${name} has ended: ${phaseOf(migration)}`, {
      next: `to remove the object: kubectl delete migration ${name} --namespace ${namespace}`,
    });
  if (isCommitted(migration))
    throw new GodwitError('E_RECORD', `migration ${name} is committed: the copy on ${spec.target} has the lead`, {
      next: `to bring it back: ${clusterProgram} migrate ${status?.targetPod ?? 'POD'} --to ${status?.source ?? 'NODE'} --namespace ${namespace}`,
    });
  if (metadata.deletionTimestamp !== undefined)
    throw new GodwitError('E_RECORD', `migration ${name} is being cancelled already`, {
      next: `${clusterProgram} describe migration ${name} --namespace ${namespace}`,
    });
}
