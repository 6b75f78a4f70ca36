import { linkCut } from '../../lab/lab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag, linkFlag } from '../lab/flags.ts';

export const run: Verb = async (input) => {
  const flags = parseFlags({ lab: labFlag, link: linkFlag }, input, 'lab cut');
  await linkCut(flags.lab, flags.link);
  return exitCodes.done;
};
