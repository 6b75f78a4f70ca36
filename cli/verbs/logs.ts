import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { workloadFolders } from '../../migrator/paths.ts';
import { exitCodes } from '../exit.ts';
import { countFlag, parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { openLocalNode } from '../local-node.ts';

const shape = {
  name: nameSchema,
  follow: z.boolean().default(false),
  tail: countFlag.optional(),
  config: z.string().optional(),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'logs');
  const { node, deps } = await openLocalNode(flags.config, io.env);
  const { log } = workloadFolders(deps.paths, flags.name);
  if (!existsSync(log))
    throw new GodwitError('E_UNKNOWN_WORKLOAD', `${node.name} keeps no workload named ${flags.name}`, {
      next: 'godwit get workloads',
    });
  const lines = flags.tail === undefined ? '+1' : String(flags.tail);
  const args = ['-n', lines, ...(flags.follow ? ['-F'] : []), log];
  await execa('tail', args, { stdio: ['ignore', 'inherit', 'inherit'], cancelSignal: io.signal, reject: false });
  return exitCodes.done;
};
