import { z } from 'zod';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { readPolicyFile } from '../policy-file.ts';

export const run: Verb = async (input, io) => {
  const { file } = parseFlags({ file: z.string() }, input, 'policy check');
  const { policy } = await readPolicyFile(file);
  io.out(`policy/${policy.name} ${policy.version}\n`);
  return exitCodes.done;
};
