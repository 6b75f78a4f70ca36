import { z } from 'zod';
import { labExec } from '../../lab/lab.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag } from '../lab/flags.ts';

/** Ends with the program's own exit code. */
export const run: Verb = async (input, io) => {
  const flags = parseFlags({ lab: labFlag, node: z.string(), command: z.array(z.string()).min(1) }, input, 'lab exec');
  const options = { stdio: 'inherit', allowFailure: true, signal: io.signal } as const;
  return (await labExec(flags.lab, flags.node, flags.command, options)).exitCode;
};
