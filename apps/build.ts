// Builds the apps as OCI bundles: <out>/<app>/config.json and <out>/<app>/rootfs. What is up to date is left alone.
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type App, catalogue } from './build/catalogue.ts';
import { fingerprint } from './build/fingerprint.ts';
import { installRuntime, nodeRuntime, type RuntimeFiles } from './build/node-runtime.ts';
import { copyAssets, installPackages } from './build/packages.ts';
import { bundleNode, compileGo } from './build/program.ts';
import { pruneStore, stamp } from './build/shared-file.ts';

const apps = import.meta.dirname;
const mountPoints = ['proc', 'sys', 'dev', 'tmp'];
const tmp = {
  destination: '/tmp',
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', 'mode=1777', 'size=64m'],
};

/** How an app is started. */
export interface AppSpec {
  readonly hostname: string;
  readonly process: { readonly args: readonly string[]; readonly env: readonly string[] };
  readonly mounts: readonly (typeof tmp)[];
}

export interface BuildOptions {
  /** Folder of the bundles. */
  readonly out: string;
  /** Root file system whose glibc and libstdc++ the Node apps get. */
  readonly root: string;
  /** The apps to build; none means all. */
  readonly only: readonly string[];
  /** Makes an app's config.json. */
  readonly config: (spec: AppSpec) => object;
  readonly log: (line: string) => void;
}

/** Builds the apps that have changed. Throws on an app of `only` that is not in the catalogue. */
export async function buildApps({ out, root, only, config, log }: BuildOptions): Promise<void> {
  const names = catalogue.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no such app: ${unknown.join(', ')}; expected one of ${names.join(', ')}`);
  const runtime = await nodeRuntime(root);
  const context = { out, config, runtime, stamps: await Promise.all(Object.values(runtime).map(stamp)) };
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
  readonly config: BuildOptions['config'];
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
    const config = context.config(specOf(app));
    await fill(app, join(part, 'rootfs'), context);
    await writeFile(join(part, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    await writeFile(join(part, mark), digest);
    await rm(bundle, { recursive: true, force: true });
    await rename(part, bundle);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return true;
}

async function digestOf(app: App, { config, stamps }: Context): Promise<string> {
  const folders = [app.name, 'shared', 'build'].map((folder) => join(apps, folder));
  const lock = app.assets ? await readFile(join(apps, 'package-lock.json'), 'utf8') : '';
  const text = JSON.stringify([app, config(specOf(app))]);
  return fingerprint(folders, [text, lock, ...(app.runtime === 'node' ? stamps : [process.arch])]);
}

/** Fills a rootfs with a program and what it needs. */
async function fill(app: App, rootfs: string, { out, runtime }: Context): Promise<void> {
  const source = join(apps, app.name);
  for (const folder of mountPoints) await mkdir(join(rootfs, folder), { recursive: true });
  if (app.assets) await installPackages(apps);
  await copyAssets(app, { apps, program: join(rootfs, 'app') });
  if (app.runtime === 'go') return compileGo(source, rootfs);
  await installRuntime(runtime, { rootfs, store: join(out, '.store') });
  await bundleNode(source, rootfs);
}

function specOf({ name, runtime, env }: App): AppSpec {
  const isNode = runtime === 'node';
  const all = { PATH: '/usr/bin:/bin', ...(isNode && { UV_USE_IO_URING: '0' }), PORT: '8080', ...env };
  const args = isNode ? ['/usr/bin/node', '/app/main.mjs'] : ['/app/main'];
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  return { hostname: name, process: { args, env: lines }, mounts: [tmp] };
}
