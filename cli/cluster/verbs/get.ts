import { z } from 'zod';
import { exitCodes } from '../../exit.ts';
import { parseFlags } from '../../flags.ts';
import type { Verb } from '../../io.ts';
import { show } from '../../kinds/show.ts';
import { outputFlags } from '../../output.ts';
import { clusterFlags, clusterProgram, withCluster } from '../cluster.ts';
import { clusterKindFlag } from '../kinds.ts';

const shape = {
  kind: clusterKindFlag,
  names: z.array(z.string()).default([]),
  watch: z.boolean().default(false),
  allNamespaces: z.boolean().default(false),
  ...clusterFlags,
  ...outputFlags,
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'get');
  await withCluster(flags, io, async (cluster) => {
    const listing = { ...flags, source: cluster, program: clusterProgram, limit: Number.MAX_SAFE_INTEGER };
    const selection = flags.allNamespaces ? {} : { namespace: cluster.namespace };
    switch (flags.kind) {
      case 'nodes':
        return show((await import('../nodes.ts')).nodes, listing, io);
      case 'workloads':
        return show((await import('../workloads.ts')).workloadsOf(selection), listing, io);
      case 'migrations':
        return show((await import('../migrations.ts')).migrationsOf(selection), listing, io);
    }
  });
  return exitCodes.done;
};
