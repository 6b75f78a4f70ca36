import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { GodwitError } from '../../lib/errors.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { pkiDirFlag } from '../pki/folder.ts';
import { listNodes } from '../pki/roster.ts';
import { planSecrets, type SecretPlan, secretObject } from '../pki/secrets.ts';

export const run: Verb = async (input, io) => {
  const { dir } = parseFlags({ dir: pkiDirFlag }, input, 'pki secrets');
  const plans = planSecrets(await listNodes(dir));
  const objects = await Promise.all(plans.map(async (plan) => secretObject(plan, await contentsOf(dir, plan))));
  io.out(objects.map((object) => stringify(object)).join('---\n'));
  return exitCodes.done;
};

async function contentsOf(dir: string, { folder, files }: SecretPlan): Promise<Record<string, Buffer>> {
  const read = async (file: string): Promise<[string, Buffer]> => [file, await readFile(resolve(dir, folder, file))];
  try {
    const contents = Object.fromEntries(await Promise.all(files.map(read)));
    return inCluster(contents);
  } catch (error) {
    throw new GodwitError('E_CONFIG', `${resolve(dir, folder)} is not whole`, {
      cause: error,
      next: `godwit pki renew ${folder} --dir ${dir} writes its certificates`,
    });
  }
}

/** The hub's file, with a decider that orders moves as objects of the cluster. */
function inCluster({ 'hub.yaml': hub, ...rest }: Record<string, Buffer>): Record<string, Buffer> {
  if (!hub) return rest;
  const config = parse(hub.toString()) as { decider?: object };
  const decider = { kubernetes: {}, ...config.decider };
  return { ...rest, 'hub.yaml': Buffer.from(stringify({ ...config, decider })) };
}
