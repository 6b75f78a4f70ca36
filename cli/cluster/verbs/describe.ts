import { z } from 'zod';
import { exitCodes } from '../../exit.ts';
import { parseFlags } from '../../flags.ts';
import type { Verb } from '../../io.ts';
import { type Cluster, clusterFlags, withCluster } from '../cluster.ts';
import { type ClusterKindName, clusterKindFlag } from '../kinds.ts';

const shape = { kind: clusterKindFlag, name: z.string(), ...clusterFlags };

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'describe');
  io.out(await withCluster(flags, io, (cluster) => describe(cluster, flags, io.clock.now())));
  return exitCodes.done;
};

async function describe(
  cluster: Cluster,
  { kind, name }: { kind: ClusterKindName; name: string },
  now: number,
): Promise<string> {
  switch (kind) {
    case 'nodes':
      return (await import('../describe-node.ts')).describeNode(cluster, name, now);
    case 'workloads':
      return (await import('../describe-node.ts')).describeWorkload(cluster, name, now);
    case 'migrations':
      return (await import('../describe-migration.ts')).describeMigration(cluster, name);
  }
}
