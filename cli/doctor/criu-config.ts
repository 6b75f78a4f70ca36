import { join } from 'node:path';
import { readIfPresent } from '../../lib/files.ts';
import { isRestoreHold } from '../../migrator/engine/restore-hold.ts';
import { type Check, ok, warning } from './check.ts';

/**
 * Files that CRIU reads beside the one that Godwit gives it (man 8 criu, "Configuration files"): what they say adds to ours, and
 * runc's own comes last and wins, be it over the script that holds a restored copy.
 */
export const foreignCriuConfig =
  (etc = '/etc/criu'): Check =>
  async ({ env, hub, node }) => {
    if (hub && !node) return [];
    const files = [join(etc, 'default.conf'), join(env.HOME ?? '/root', '.criu/default.conf'), join(etc, 'runc.conf')];
    const found = await Promise.all(files.map(async (file) => ({ file, options: await optionsIn(file) })));
    const speaking = found.filter(({ options }) => options.length > 0);
    if (speaking.length === 0) return [ok('criu configuration', 'ours alone')];
    return speaking.map(({ file, options }) =>
      warning('criu configuration', `${file} sets ${options.join(', ')}`, `remove ${file}, or what contradicts Godwit`),
    );
  };

/** Names of the options in the file, without comments; none of what holds the copies of pods that move as images. */
async function optionsIn(file: string): Promise<string[]> {
  const text = (await readIfPresent(file)) ?? '';
  if (isRestoreHold(text)) return [];
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter(Boolean).map((line) => line.split(/[\s=]/)[0] ?? '');
}
