import { linkShape, linkUnshape } from '../../lab/lab.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags, sizeFlag } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag, linkFlag } from '../lab/flags.ts';

export const run: Verb = async (input) => {
  const flags = parseFlags({ lab: labFlag, link: linkFlag, rate: sizeFlag.optional() }, input, 'lab shape');
  if (flags.rate === undefined) await linkUnshape(flags.lab, flags.link);
  else await linkShape(flags.lab, flags.link, { rateBitsPerSecond: flags.rate });
  return exitCodes.done;
};
