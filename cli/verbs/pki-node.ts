import { basename, dirname } from 'node:path';
import { exitCodes } from '../exit.ts';
import type { Io, Verb } from '../io.ts';
import { loadAuthority } from '../pki/authority.ts';
import { nodeBundle, writeBundle } from '../pki/bundle.ts';
import { refuseOverwrite } from '../pki/folder.ts';
import { parseNodeFlags, planNode } from '../pki/plan-node.ts';
import { listNodes, updateRosters } from '../pki/roster.ts';

export const run: Verb = async (input, io) => {
  const flags = await parseNodeFlags(input);
  const authority = await loadAuthority(flags.dir, io.clock);
  await refuseOverwrite(flags.dir, flags.name, flags.force);
  const others = (await listNodes(flags.dir)).filter((node) => node.name !== flags.name);
  const { file, config } = planNode(flags, others);
  const folder = await writeBundle(flags.dir, nodeBundle(config, file), authority);
  io.out(`${folder}\n`);
  io.err(`Written, good for a year: copy it to /etc/godwit of ${flags.name}, then run there: godwit agent\n`);
  tellChanged(io, folder, await updateRosters(flags.dir));
  return exitCodes.done;
};

function tellChanged(io: Io, folder: string, changed: readonly string[]): void {
  for (const path of changed.filter((path) => dirname(path) !== folder))
    io.err(
      `Changed: ${path}; where ${basename(dirname(path))} uses a copy, copy it again. It is noticed without a restart.\n`,
    );
}
