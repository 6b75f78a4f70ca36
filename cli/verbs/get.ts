import { z } from 'zod';
import { exitCodes } from '../exit.ts';
import { countFlag, parseFlags } from '../flags.ts';
import { withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { kindFlag } from '../kinds/kinds.ts';
import { show } from '../kinds/show.ts';
import { outputFlags } from '../output.ts';

const shape = {
  kind: kindFlag,
  names: z.array(z.string()).default([]),
  watch: z.boolean().default(false),
  limit: countFlag.prefault('50'),
  config: z.string().optional(),
  ...outputFlags,
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'get');
  await withHub(flags.config, io, async (hub) => {
    const listing = { ...flags, source: hub, program: 'godwit' };
    switch (flags.kind) {
      case 'nodes':
        return show((await import('../kinds/nodes.ts')).nodes, listing, io);
      case 'workloads':
        return show((await import('../kinds/workloads.ts')).workloads, listing, io);
      case 'migrations':
        return show((await import('../kinds/migrations.ts')).migrations, listing, io);
      case 'decisions':
        return show((await import('../kinds/decisions.ts')).decisions, listing, io);
    }
  });
  return exitCodes.done;
};
