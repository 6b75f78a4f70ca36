import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';
import { dropWorkload } from '../../migrator/workloads/run.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, timeFlag } from '../flags.ts';
import type { Verb } from '../io.ts';
import { openLocalNode } from '../local-node.ts';

const shape = { name: nameSchema, grace: timeFlag.default(10_000), config: z.string().optional() };

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'rm');
  const { node, deps } = await openLocalNode(flags.config, io.env);
  await dropWorkload(flags.name, { graceMs: flags.grace }, deps);
  io.err(`${flags.name} is gone from ${node.name}\n`);
  return exitCodes.done;
};
