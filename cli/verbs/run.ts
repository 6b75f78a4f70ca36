import { z } from 'zod';
import { keepsSchema, nameSchema, requestedStrategySchema } from '../../lib/contract/names.ts';
import { runWorkload } from '../../migrator/workloads/run.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, sizeFlag } from '../flags.ts';
import type { Verb } from '../io.ts';
import { openLocalNode } from '../local-node.ts';

const pairs = z
  .array(z.string().regex(/^[^=]+=/, 'expected NAME=value'))
  .default([])
  .transform((list) =>
    Object.fromEntries(list.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  );

const shape = {
  name: nameSchema,
  args: z.array(z.string()).default([]),
  bundle: z.string().optional(),
  image: z.string().optional(),
  keeps: keepsSchema.default('memory'),
  strategy: requestedStrategySchema.default('auto'),
  restart: z.enum(['never', 'on-failure', 'always']).default('always'),
  address: z.ipv4().optional(),
  cpus: z.coerce.number().positive().optional(),
  memory: sizeFlag.optional(),
  env: pairs,
  priority: z.coerce.number().int().default(0),
  pin: z.boolean().default(false),
  config: z.string().optional(),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'run');
  const { node, deps } = await openLocalNode(flags.config, io.env);
  const { name, args, keeps, strategy, env, priority } = flags;
  await runWorkload(
    {
      ...{ name, args, keeps, strategy, env, priority },
      node: node.name,
      restartPolicy: flags.restart,
      migrate: !flags.pin,
      ...(flags.bundle !== undefined && { bundle: flags.bundle }),
      ...(flags.image !== undefined && { image: flags.image }),
      ...(flags.address !== undefined && { address: flags.address }),
      ...(flags.cpus !== undefined && { cpus: flags.cpus }),
      ...(flags.memory !== undefined && { memoryBytes: flags.memory }),
    },
    deps,
  );
  io.err(`${name} runs on ${node.name}${flags.address ? ` at ${flags.address}` : ''}\n`);
  return exitCodes.done;
};
