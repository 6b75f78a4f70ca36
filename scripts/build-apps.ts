import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildApps } from '../apps/build.ts';
import { ociConfig } from '../lib/oci-config.ts';

const usage = 'usage: node scripts/build-apps.ts --out DIR [--root NODE_ROOT] [--only APP]...';

await buildApps({ ...parse(), config: ociConfig, log: (line) => console.error(line) });

/** Reads the command line; says what is wrong with it and ends with 2 where something is. */
function parse(): { out: string; root: string; only: readonly string[] } {
  const only = { type: 'string', multiple: true, default: [] as string[] } as const;
  try {
    const { values } = parseArgs({
      options: { out: { type: 'string' }, root: { type: 'string', default: '/' }, only },
    });
    if (!values.out) throw new Error('--out is missing');
    return { out: resolve(values.out), root: resolve(values.root), only: values.only };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}
