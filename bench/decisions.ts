import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PlanetLabRow, readPlanetLab } from '../decider/replay/read/planetlab.ts';
import { datacenterTable } from './decisions/datacenter.ts';
import { ablations, edgePolicies, edgeTable, variants } from './decisions/edge.ts';
import { pareto } from './decisions/pareto.ts';
import { reportOf } from './decisions/report.ts';
import { describeMachine } from './shared/machine.ts';

// node bench/decisions.ts PLANETLAB.csv.gz…: both tracks on these days, every stage removed in turn; writes the report and its pictures
const { positionals } = parseArgs({ allowPositionals: true });
const files = positionals.length > 0 ? positionals : (process.env.GODWIT_TRACES ?? '').split(/\s+/).filter(Boolean);
if (files.length === 0) {
  console.error('error: no traces; make bench NAME=decisions TRACES="planetlab-….csv.gz …"');
  process.exit(2);
}

const days: { name: string; rows: PlanetLabRow[] }[] = [];
for (const file of files) {
  const rows = await readPlanetLab({ file, skipBadRows: false, skipped: () => undefined });
  days.push({ name: basename(file).replace(/\.csv(\.gz)?$/, ''), rows });
}
const tell = (text: string): void => console.error(`  ${text}`);
const edge = edgeTable(days, edgePolicies, tell);
const removed = edgeTable(days, ablations, tell);
const varied = variants(days, tell);
const datacenter = datacenterTable(days, tell);

const root = join(import.meta.dirname, '..');
const results = join(root, 'bench', 'results');
await mkdir(results, { recursive: true });
const data = { machine: describeMachine(), days: days.map(({ name }) => name), edge, removed, varied, datacenter };
await writeFile(join(results, 'decisions.json'), `${JSON.stringify(data, null, 2)}\n`);
await writeFile(
  join(root, 'docs', 'images', 'decisions-edge.svg'),
  pareto(edge.rows, 'Edge replay: overload time against cost'),
);
await writeFile(
  join(root, 'docs', 'images', 'decisions-stages.svg'),
  pareto(removed.rows, 'Without one stage: overload time against cost'),
);
await writeFile(join(root, 'docs', 'reference', 'decisions.md'), reportOf(data));
console.log('docs/reference/decisions.md');
