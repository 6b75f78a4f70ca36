import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';

/** Older ones source streams less reliably across a cut. */
const oldest = [2, 14] as const;

/** Path of a usable nats-server: $GODWIT_NATS_SERVER, or the first on the search path. @throws E_SETUP */
export async function findNatsServer(env: Readonly<Record<string, string | undefined>>, exec: Exec): Promise<string> {
  const path = env.GODWIT_NATS_SERVER ?? (await onPath('nats-server', env.PATH));
  const next = 'install nats-server 2.14 or newer, or name it in GODWIT_NATS_SERVER';
  if (!path) throw new GodwitError('E_SETUP', 'nats-server is not installed', { next });
  const version = await natsServerVersion(path, exec);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return path;
  throw new GodwitError('E_SETUP', `${path} is version ${version}, ${oldest.join('.')} is needed`, { next });
}

/** Such as `2.15.1`. @throws E_SETUP */
export async function natsServerVersion(path: string, exec: Exec): Promise<string> {
  try {
    const { stdout, stderr } = await exec(path, ['--version']);
    return /v(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1] ?? '0.0.0';
  } catch (error) {
    throw new GodwitError('E_SETUP', `${path} does not run`, { cause: error });
  }
}

/** Debian puts servers where the search path of people does not look. */
export async function onPath(program: string, path = ''): Promise<string | undefined> {
  for (const folder of [...path.split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean)) {
    const file = join(folder, program);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
