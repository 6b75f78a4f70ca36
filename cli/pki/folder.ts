import { resolve } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent } from '../../lib/files.ts';
import { loadHubConfig, loadNodeConfig } from '../../lib/node-config.ts';
import { type Bundle, hubBundle, nodeBundle } from './bundle.ts';

/** Folder of the authority, an absolute path. */
export const pkiDirFlag = z
  .string()
  .default('/etc/godwit/pki')
  .transform((path) => resolve(path));

/** Makes sure that a folder is written over only when asked. @throws E_CONFIG */
export async function refuseOverwrite(dir: string, name: string, force: boolean): Promise<void> {
  const file = resolve(dir, name, name === 'hub' ? 'hub.yaml' : 'node.yaml');
  if (force || !(await readIfPresent(file))) return;
  throw new GodwitError('E_CONFIG', `${file} exists`, {
    next: `godwit pki renew ${name} for new certificates, or --force to write the folder anew`,
  });
}

/** The bundle as its configuration on the disk has it. @throws E_CONFIG */
export async function bundleOf(dir: string, name: string): Promise<Bundle> {
  const hub = resolve(dir, 'hub', 'hub.yaml');
  if (name === 'hub' && (await readIfPresent(hub))) return hubBundle(await loadHubConfig(hub));
  const node = resolve(dir, name, 'node.yaml');
  if (await readIfPresent(node)) return nodeBundle(await loadNodeConfig(node), undefined);
  throw new GodwitError('E_CONFIG', `${dir} holds no folder of ${name}`, { next: `godwit pki list --dir ${dir}` });
}
