import { labDown } from '../../lab/lab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag, progress } from '../lab/flags.ts';

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ lab: labFlag }, input, 'lab down');
  await labDown(flags.lab, progress(io));
  io.out(`lab/${flags.lab}\n`);
  return exitCodes.done;
};
