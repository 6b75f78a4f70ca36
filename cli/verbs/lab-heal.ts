import { linkHeal } from '../../lab/lab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag, linkFlag } from '../lab/flags.ts';

export const run: Verb = async (input) => {
  const flags = parseFlags({ lab: labFlag, link: linkFlag }, input, 'lab heal');
  await linkHeal(flags.lab, flags.link);
  return exitCodes.done;
};
