import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readCertificate } from '../../lib/pki/authority.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { loadAuthority } from '../pki/authority.ts';
import { type Bundle, writeCertificates } from '../pki/bundle.ts';
import { bundleOf, pkiDirFlag } from '../pki/folder.ts';
import { listNodes } from '../pki/roster.ts';

const soonMs = 30 * 86_400_000;

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ dir: pkiDirFlag, names: z.array(z.string()).default([]) }, input, 'pki renew');
  const authority = await loadAuthority(flags.dir, io.clock);
  const named = await Promise.all(flags.names.map((name) => bundleOf(flags.dir, name)));
  const due = named.length > 0 ? named : await ending(flags.dir, io.clock.now() + soonMs);
  for (const bundle of due) {
    await writeCertificates(flags.dir, bundle, authority);
    io.out(`${resolve(flags.dir, bundle.name)}\n`);
    io.err(`Renewed for a year: copy ${bundle.name}/ again, then restart godwit there.\n`);
  }
  if (due.length === 0) io.err('Nothing ends within 30 days.\n');
  return exitCodes.done;
};

async function ending(dir: string, before: number): Promise<Bundle[]> {
  const names = ['hub', ...(await listNodes(dir)).map((node) => node.name)];
  const found: Bundle[] = [];
  for (const name of names) {
    const bundle = await bundleOf(dir, name).catch(() => undefined);
    if (bundle && (await endsBefore(dir, bundle, before))) found.push(bundle);
  }
  return found;
}

async function endsBefore(dir: string, bundle: Bundle, before: number): Promise<boolean> {
  for (const file of Object.keys(bundle.certificates)) {
    const pem = await readFile(resolve(dir, bundle.name, `${file}.crt`), 'utf8').catch(() => undefined);
    if (!pem || readCertificate(pem).endsAt < before) return true;
  }
  return false;
}
