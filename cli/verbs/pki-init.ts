import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { createAuthority } from '../pki/authority.ts';
import { pkiDirFlag } from '../pki/folder.ts';

export const run: Verb = async (input, io) => {
  const { dir } = parseFlags({ dir: pkiDirFlag }, input, 'pki init');
  await createAuthority(dir, io.clock);
  io.out(`${dir}\n`);
  io.err(`Authority made, good for ten years. Whoever reads ${dir}/ca.key can join: keep it.\n`);
  io.err('next: godwit pki hub --address IP, then godwit pki node NAME for each machine\n');
  return exitCodes.done;
};
