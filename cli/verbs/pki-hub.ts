import { z } from 'zod';
import { hubConfigSchema } from '../../lib/node-config.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { loadAuthority } from '../pki/authority.ts';
import { hubBundle, writeBundle } from '../pki/bundle.ts';
import { pkiDirFlag, refuseOverwrite } from '../pki/folder.ts';
import { updateRosters } from '../pki/roster.ts';

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ dir: pkiDirFlag, address: z.ipv4(), force: z.boolean().default(false) }, input, 'pki hub');
  const authority = await loadAuthority(flags.dir, io.clock);
  await refuseOverwrite(flags.dir, 'hub', flags.force);
  const folder = await writeBundle(flags.dir, hubBundle(hubConfigSchema.parse({ address: flags.address })), authority);
  await updateRosters(flags.dir);
  io.out(`${folder}\n`);
  io.err(`Written, good for a year: copy it to /etc/godwit of the hub, then run: godwit hub\n`);
  io.err(`People need operator.yaml, operator.crt, operator.key and ca.crt of it, on any machine.\n`);
  return exitCodes.done;
};
