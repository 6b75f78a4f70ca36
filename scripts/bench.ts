import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

// Runs the benchmarks that are named, or all, each in a process of its own.
const folder = join(import.meta.dirname, '..', 'bench');
const known = (await readdir(folder)).filter((name) => name.endsWith('.ts')).map((name) => name.replace(/\.ts$/, ''));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`error: there is no benchmark ${unknown.join(', ')}; there are ${known.sort().join(', ')}`);
  process.exit(2);
}
const failed: string[] = [];
for (const name of wanted.length > 0 ? wanted : known.sort()) {
  const began = performance.now();
  console.log(`bench: ${name} ...`);
  const { status } = spawnSync(process.execPath, [join(folder, `${name}.ts`)], { stdio: 'inherit' });
  console.log(`bench: ${name}: ${Math.round((performance.now() - began) / 1000)} s`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`error: ${failed.join(', ')} failed`);
  process.exit(1);
}
