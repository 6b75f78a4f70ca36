import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { type Authority, authorityOf, makeAuthority } from '../../lib/pki/authority.ts';

const authorityDays = 3650;

const caPaths = (dir: string) => ({ certificate: resolve(dir, 'ca.crt'), key: resolve(dir, 'ca.key') });

/** Makes a certificate authority in `dir`, good for ten years. @throws E_CONFIG when there is one */
export async function createAuthority(dir: string, clock: Clock): Promise<void> {
  const paths = caPaths(dir);
  if (await readIfPresent(paths.key))
    throw new GodwitError('E_CONFIG', `${dir} holds an authority already`, {
      next: 'use it, or choose another folder with --dir',
    });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { certificate, key } = await makeAuthority('Godwit authority', authorityDays, clock);
  await writeDurably(paths.key, key);
  await writeDurably(paths.certificate, certificate, 0o644);
}

/** @throws E_SETUP without one */
export async function loadAuthority(dir: string, clock: Clock): Promise<Authority> {
  const paths = caPaths(dir);
  const [certificate, key] = await Promise.all([readIfPresent(paths.certificate), readIfPresent(paths.key)]);
  if (!certificate || !key)
    throw new GodwitError('E_SETUP', `${dir} holds no certificate authority`, {
      next: `godwit pki init --dir ${dir}, or name its folder with --dir`,
    });
  return authorityOf({ certificate, key }, clock);
}

/** The authority in `dir`, made there if there is none. */
export async function openAuthority(dir: string, clock: Clock): Promise<Authority> {
  if (!(await readIfPresent(caPaths(dir).certificate))) await createAuthority(dir, clock);
  return loadAuthority(dir, clock);
}
