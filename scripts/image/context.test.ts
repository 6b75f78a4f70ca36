import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { isNeeded, productionPackages } from './context.ts';

const checkout = resolve(import.meta.dirname, '../..');

test('the image has the packages that run, each installed here, and no tools', async () => {
  const packages = productionPackages(await readFile(join(checkout, 'package-lock.json'), 'utf8'));
  const { dependencies } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'));
  expect(packages).toEqual(expect.arrayContaining(Object.keys(dependencies).map((name) => `node_modules/${name}`)));
  expect(packages.filter((path) => !existsSync(join(checkout, path)))).toEqual([]);
  expect(packages.filter((path) => /vitest|typescript|biome|node_modules\/node$/.test(path))).toEqual([]);
});

test.each(['lib/parse.test.ts', 'monitor/cgroup/fixtures', 'migrator/pages/main.go', 'node_modules/zod/index.d.cts'])(
  '%s stays out of the image',
  (path) => expect(isNeeded(path)).toBe(false),
);

test.each(['lib/parse.ts', 'node_modules/zod/index.js', 'lab/node-init.sh', 'bin/godwit'])('%s is in it', (path) =>
  expect(isNeeded(path)).toBe(true),
);
