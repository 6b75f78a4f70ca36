import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GodwitError } from '../lib/errors.ts';
import type { Io } from './io.ts';

export type ConfigName = 'node.yaml' | 'hub.yaml' | 'operator.yaml';

const home = '/etc/godwit';
/** On the machine that holds the authority the hub's folder serves without being copied. */
const beside = join(home, 'pki/hub');

/** Path of a configuration: `--config` or $GODWIT_CONFIG, a file or its folder; else the usual places. @throws E_SETUP */
export async function findConfig(name: ConfigName, flag: string | undefined, io: Io): Promise<string> {
  const given = flag ?? io.env.GODWIT_CONFIG;
  const places = given ? [given, join(given, name)] : [join(home, name), join(beside, name)];
  for (const place of places.map((path) => resolve(path))) if (await isFile(place)) return place;
  throw new GodwitError('E_SETUP', `there is no ${name} in ${given ?? `${home} and ${beside}`}`, { next: hints[name] });
}

const hints: Record<ConfigName, string> = {
  'node.yaml': 'godwit pki node NAME where the authority is, and copy its folder to /etc/godwit here',
  'hub.yaml': 'godwit pki hub --address IP where the authority is, and copy its folder to /etc/godwit here',
  'operator.yaml':
    "copy operator.yaml, operator.crt, operator.key and ca.crt from the hub's folder, and name theirs with --config or GODWIT_CONFIG",
};

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
