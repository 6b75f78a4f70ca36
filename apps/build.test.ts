import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AppSpec, buildApps } from './build.ts';

let out = '';
let lines: string[] = [];

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'godwit-apps-'));
  lines = [];
});

afterEach(() => rm(out, { recursive: true }));

const config = ({ process }: AppSpec) => ({ process });
const build = (...only: string[]) => buildApps({ out, root: '/', only, config, log: (line) => lines.push(line) });

test('builds bundles that share one node binary, leaves them alone when run again, and repairs a broken one', {
  timeout: 60_000,
}, async () => {
  await build('counter', 'stateless-api');
  const [counter, api] = await Promise.all(
    ['counter', 'stateless-api'].map((app) => stat(join(out, app, 'rootfs/usr/bin/node'))),
  );
  expect([counter?.ino, counter?.nlink]).toEqual([api?.ino, 3]);
  const config = JSON.parse(await readFile(join(out, 'counter/config.json'), 'utf8')) as {
    process: { args: string[] };
  };
  expect(config.process.args).toEqual(['/usr/bin/node', '/app/main.mjs']);

  await build('counter', 'stateless-api');
  await writeFile(join(out, 'counter/.fingerprint'), 'of another build');
  await mkdir(join(out, 'counter/rootfs/left-over'));
  await build('counter');
  const told = lines.map((line) => line.replace(/ \(.*/, ''));
  expect(told).toEqual([
    'counter: built',
    'stateless-api: built',
    'counter: up to date',
    'stateless-api: up to date',
    'counter: built',
  ]);
  await expect(stat(join(out, 'counter/rootfs/left-over'))).rejects.toThrow('ENOENT');
});

test('an app that does not exist is refused before anything is built', async () => {
  await expect(build('counter', 'sundial')).rejects.toThrow('no such app: sundial');
  expect(lines).toEqual([]);
});
