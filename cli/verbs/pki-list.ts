import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readCertificate } from '../../lib/pki/authority.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { type Kind, outputFlags, print } from '../output.ts';
import { pkiDirFlag } from '../pki/folder.ts';
import { listNodes } from '../pki/roster.ts';

interface Row {
  file: string;
  bundle: string;
  user: string;
  endsAt: string;
  days: number;
  renew: string;
}

const certificates: Kind<Row> = {
  kind: 'certificate',
  name: (row) => row.file,
  columns: [
    { header: 'NAME', value: (row) => row.bundle },
    { header: 'USER', value: (row) => row.user },
    { header: 'ENDS', value: (row) => row.endsAt.slice(0, 10) },
    { header: 'DAYS', value: (row) => row.days },
    { header: 'RENEW WITH', value: (row) => row.renew },
    { header: 'FILE', wide: true, value: (row) => row.file },
  ],
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ dir: pkiDirFlag, ...outputFlags }, input, 'pki list');
  const rows: Row[] = [];
  for (const bundle of ['', 'hub', ...(await listNodes(flags.dir)).map((node) => node.name)])
    for (const file of await certificatesIn(resolve(flags.dir, bundle)))
      rows.push(await rowOf(file, bundle, io.clock.now()));
  print(io, certificates, rows, flags);
  return exitCodes.done;
};

async function certificatesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const found = names.filter((name) => name.endsWith('.crt') && names.includes(name.replace(/crt$/, 'key')));
  return found.sort().map((name) => resolve(folder, name));
}

async function rowOf(file: string, bundle: string, now: number): Promise<Row> {
  const { name, endsAt } = readCertificate(await readFile(file, 'utf8'));
  return {
    file,
    bundle: bundle || 'ca',
    user: name,
    endsAt: new Date(endsAt).toISOString(),
    days: Math.floor((endsAt - now) / 86_400_000),
    renew: bundle ? `godwit pki renew ${bundle}` : 'a new authority',
  };
}
