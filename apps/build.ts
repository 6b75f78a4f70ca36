// Builds the apps as OCI bundles: <out>/<app>/config.json and <out>/<app>/rootfs. What is up to date is left alone.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type App, catalogue } from './build/catalogue.ts';
import { fingerprint } from './build/fingerprint.ts';
import { installRuntime, nodeRuntime, type RuntimeFiles } from './build/node-runtime.ts';
import { ociConfig } from './build/oci-config.ts';
import { bundleNode, compileGo } from './build/program.ts';
import { pruneStore, stamp } from './build/shared-file.ts';

const usage = 'usage: node apps/build.ts --out DIR [--root NODE_ROOT] [--only APP]...';
const sources = import.meta.dirname;
const mountPoints = ['proc', 'sys', 'dev', 'tmp'];

export interface BuildOptions {
  /** Folder of the bundles. */
  readonly out: string;
  /** Root file system whose glibc and libstdc++ the Node apps get. */
  readonly root: string;
  readonly only: readonly string[];
  readonly log: (line: string) => void;
}

/** Builds the apps that have changed. Throws on an app of `only` that is not in the catalogue. */
export async function buildApps({ out, root, only, log }: BuildOptions): Promise<void> {
  const unknown = only.filter((name) => !catalogue.some((app) => app.name === name));
  if (unknown.length > 0)
    throw new Error(`no such app: ${unknown.join(', ')}; ${catalogue.map(({ name }) => name).join(', ')} exist`);
  const runtime = await nodeRuntime(root);
  const stamps = await Promise.all(Object.values(runtime).map(stamp));
  await mkdir(out, { recursive: true });
  for (const app of catalogue.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const began = performance.now();
    const digest = await fingerprint(folders(app), [
      JSON.stringify(app),
      ...(app.runtime === 'node' ? stamps : [process.arch]),
    ]);
    const built = await buildOne(app, { out, runtime, digest });
    log(`${app.name}: ${built ? 'built' : 'up to date'} (${Math.round(performance.now() - began)} ms)`);
  }
  await pruneStore(join(out, '.store'));
}

function folders({ name }: App): string[] {
  return [name, 'shared', 'build'].map((folder) => join(sources, folder));
}

interface Made {
  readonly out: string;
  readonly runtime: RuntimeFiles;
  readonly digest: string;
}

/** Makes a bundle beside its place and then puts it there, so that a broken build leaves the last good one. */
async function buildOne(app: App, { out, runtime, digest }: Made): Promise<boolean> {
  const bundle = join(out, app.name);
  const mark = join(bundle, '.fingerprint');
  if ((await readFile(mark, 'utf8').catch(() => '')) === digest) return false;
  const part = await mkdtemp(join(out, `.${app.name}-`));
  try {
    const rootfs = join(part, 'rootfs');
    for (const folder of mountPoints) await mkdir(join(rootfs, folder), { recursive: true });
    const args = await install[app.runtime](join(sources, app.name), { rootfs, runtime, store: join(out, '.store') });
    const env = { PORT: '8080', ...(app.runtime === 'node' ? { UV_USE_IO_URING: '0' } : {}), ...app.env };
    await writeFile(
      join(part, 'config.json'),
      `${JSON.stringify(ociConfig({ args, env, hostname: app.name }), null, 2)}\n`,
    );
    await writeFile(join(part, '.fingerprint'), digest);
    await rm(bundle, { recursive: true, force: true });
    await rename(part, bundle);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return true;
}

type Install = (source: string, target: { rootfs: string; runtime: RuntimeFiles; store: string }) => Promise<string[]>;

/** Fills a rootfs with a program; answers the command that starts it. */
const install: Readonly<Record<App['runtime'], Install>> = {
  async node(source, { rootfs, runtime, store }) {
    await installRuntime(runtime, { rootfs, store });
    await bundleNode(source, rootfs);
    return ['/usr/bin/node', '/app/main.mjs'];
  },
  async go(source, { rootfs }) {
    await compileGo(source, rootfs);
    return ['/app/main'];
  },
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      root: { type: 'string', default: '/' },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  if (!values.out) throw new Error(usage);
  await buildApps({
    out: resolve(values.out),
    root: resolve(values.root),
    only: values.only,
    log: (line) => console.error(line),
  });
}
