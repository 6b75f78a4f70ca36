import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../lib/parse.ts';

/** Folders of sources that run; those that are not there yet are left out by `existing`. */
const parts = ['lib', 'monitor', 'decider', 'migrator', 'sidecar', 'k8s', 'lab', 'cli', 'bin'];
const files = ['package.json', 'LICENSE'];

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), devOptional: z.boolean().optional() })),
});

/** Folders below the checkout of the packages that run, by what package-lock.json (version 3) says. @throws E_PARSE */
export function productionPackages(lockfile: string): string[] {
  const { packages } = parseJson(lockSchema, lockfile, 'package-lock.json');
  return Object.entries(packages).flatMap(([path, { dev, devOptional }]) =>
    path === '' || dev || devOptional ? [] : [path],
  );
}

/** What nobody imports when it runs: tests, types, maps, prose, Go. */
export function isNeeded(path: string): boolean {
  const name = basename(path);
  if (['fixtures', 'manifests', 'docs', '__tests__'].includes(name)) return false;
  return !/\.(test|fixtures)\.ts$|\.d\.[cm]?ts$|\.map$|\.md$|\.go$|^go\.(mod|sum)$/.test(name);
}

/** Lays out `context` as packaging/Dockerfile wants it, from a checkout that is set up. */
export async function layOutContext(checkout: string, context: string): Promise<void> {
  const app = join(context, 'godwit');
  await rm(context, { recursive: true, force: true });
  await mkdir(app, { recursive: true });
  await cp(join(checkout, 'node_modules/node/bin/node'), join(context, 'node'));
  // an installer tells by it whether a node has this very build
  await writeFile(join(app, '.build'), `${randomUUID()}\n`);
  const present = await readdir(checkout);
  for (const name of [...parts.filter((part) => present.includes(part)), ...files]) await copy(checkout, app, name);
  for (const path of productionPackages(await readFile(join(checkout, 'package-lock.json'), 'utf8')))
    await copy(checkout, app, path);
  // what setup.sh builds from Go, where the sources look for it
  const programs = (await readdir(join(checkout, '.cache/bin'))).filter((name) => name.startsWith('godwit-'));
  for (const program of programs) await copy(checkout, app, join('.cache/bin', program));
}

/** A package's own dependencies below it are packages of their own in the list. */
async function copy(from: string, to: string, path: string): Promise<void> {
  const source = join(from, path);
  await cp(source, join(to, path), {
    recursive: true,
    filter: (file) => isNeeded(file) && !(file !== source && basename(file) === 'node_modules'),
  });
}
