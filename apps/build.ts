// Builds the apps as OCI bundles: <out>/<app>/config.json and <out>/<app>/rootfs. What is up to date is left alone.
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type App, catalogue } from './build/catalogue.ts';
import { fingerprint } from './build/fingerprint.ts';
import { installRuntime, nodeRuntime, type RuntimeFiles } from './build/node-runtime.ts';
import { ociConfig, type ProcessSpec } from './build/oci-config.ts';
import { copyAssets, installPackages } from './build/packages.ts';
import { bundleNode, compileGo } from './build/program.ts';
import { pruneStore, stamp } from './build/shared-file.ts';

const usage = 'usage: node apps/build.ts --out DIR [--root NODE_ROOT] [--only APP]...';
const apps = import.meta.dirname;
const mountPoints = ['proc', 'sys', 'dev', 'tmp'];

export interface BuildOptions {
  /** Folder of the bundles. */
  readonly out: string;
  /** Root file system whose glibc and libstdc++ the Node apps get. */
  readonly root: string;
  /** The apps to build; none means all. */
  readonly only: readonly string[];
  readonly log: (line: string) => void;
}

/** Builds the apps that have changed. Throws on an app of `only` that is not in the catalogue. */
export async function buildApps({ out, root, only, log }: BuildOptions): Promise<void> {
  const names = catalogue.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such app: ${unknown.join(', ')}; expected one of ${names.join(', ')}`);
  const runtime = await nodeRuntime(root);
  const context = { out, runtime, stamps: await Promise.all(Object.values(runtime).map(stamp)) };
  await mkdir(out, { recursive: true });
  for (const app of catalogue.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const began = performance.now();
    const built = await buildOne(app, context);
    log(`${app.name}: ${built ? 'built' : 'up to date'} (${Math.round(performance.now() - began)} ms)`);
  }
  await pruneStore(join(out, '.store'));
}

interface Context {
  readonly out: string;
  readonly runtime: RuntimeFiles;
  readonly stamps: readonly string[];
}

/** Makes a bundle beside its place and then puts it there, so that a broken build leaves the last good one. */
async function buildOne(app: App, context: Context): Promise<boolean> {
  const bundle = join(context.out, app.name);
  const mark = '.fingerprint';
  const digest = await digestOf(app, context);
  if ((await readFile(join(bundle, mark), 'utf8').catch(() => '')) === digest) return false;
  const part = await mkdtemp(join(context.out, `.${app.name}-`));
  try {
    await chmod(part, 0o755);
    const config = ociConfig(await fill(app, join(part, 'rootfs'), context));
    await writeFile(join(part, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    await writeFile(join(part, mark), digest);
    await rm(bundle, { recursive: true, force: true });
    await rename(part, bundle);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return true;
}

async function digestOf(app: App, { stamps }: Context): Promise<string> {
  const folders = [app.name, 'shared', 'build'].map((folder) => join(apps, folder));
  const lock = app.assets ? await readFile(join(apps, 'package-lock.json'), 'utf8') : '';
  return fingerprint(folders, [JSON.stringify(app), lock, ...(app.runtime === 'node' ? stamps : [process.arch])]);
}

/** Fills a rootfs with a program and what it needs; answers how to start it. */
async function fill(app: App, rootfs: string, { out, runtime }: Context): Promise<ProcessSpec> {
  const source = join(apps, app.name);
  for (const folder of mountPoints) await mkdir(join(rootfs, folder), { recursive: true });
  if (app.assets) await installPackages(apps);
  await copyAssets(app, { apps, program: join(rootfs, 'app') });
  const env = { PORT: '8080', ...app.env };
  if (app.runtime === 'go') {
    await compileGo(source, rootfs);
    return { args: ['/app/main'], env, hostname: app.name };
  }
  await installRuntime(runtime, { rootfs, store: join(out, '.store') });
  await bundleNode(source, rootfs);
  return { args: ['/usr/bin/node', '/app/main.mjs'], env: { UV_USE_IO_URING: '0', ...env }, hostname: app.name };
}

/** Reads the command line; says what is wrong with it and ends with 2 where something is. */
function parse(): Omit<BuildOptions, 'log'> {
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

if (import.meta.main) await buildApps({ ...parse(), log: (line) => console.error(line) });
