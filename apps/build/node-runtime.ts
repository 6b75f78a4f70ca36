import { execFile } from 'node:child_process';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { linkShared } from './shared-file.ts';

const run = promisify(execFile);

/** glibc's names for the processors that Node runs on: its program loader and its folder of libraries. */
const glibc: Readonly<Record<string, { loader: string; triplet: string }>> = {
  x64: { loader: 'lib64/ld-linux-x86-64.so.2', triplet: 'x86_64-linux-gnu' },
  arm64: { loader: 'lib/ld-linux-aarch64.so.1', triplet: 'aarch64-linux-gnu' },
};

/** The files that a rootfs needs to run Node, by their path in it. */
export type RuntimeFiles = Readonly<Record<string, string>>;

/**
 * Finds the running Node and the libraries that it loads, these in `root` (a Debian root, or `/`), by asking that
 * root's own program loader.
 *
 * @throws Error when the processor is unknown, or a library is not in `root`.
 */
export async function nodeRuntime(root: string): Promise<RuntimeFiles> {
  const names = glibc[process.arch];
  if (!names) throw new Error(`no glibc names known for ${process.arch}; add them to apps/build/node-runtime.ts`);
  const loader = join(root, names.loader);
  const folders = ['lib', 'usr/lib'].map((folder) => join(root, folder, names.triplet));
  const { stdout } = await run(loader, [
    '--inhibit-cache',
    '--library-path',
    folders.join(':'),
    '--list',
    process.execPath,
  ]);
  const libraries = librariesOf(stdout).filter((path) => basename(path) !== basename(loader));
  const stray = libraries.filter((path) => !path.startsWith(root));
  if (stray.length > 0) throw new Error(`${root} lacks libraries that Node needs: ${stray.join(', ')}`);
  return {
    'usr/bin/node': process.execPath,
    [names.loader]: loader,
    ...Object.fromEntries(libraries.map((path) => [join('lib', names.triplet, basename(path)), path])),
  };
}

/**
 * The paths in a loader's `--list`: lines such as `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x7f…)`.
 *
 * @throws Error that names the libraries that were not found.
 */
export function librariesOf(listing: string): string[] {
  const missing = [...listing.matchAll(/(\S+) => not found/g)].map((match) => match[1]);
  if (missing.length > 0) throw new Error(`libraries not found: ${missing.join(', ')}`);
  return [...listing.matchAll(/ => (\/.*) \(0x/g)].flatMap((match) => match[1] ?? []);
}

/** Links the files of a runtime into a rootfs. */
export async function installRuntime(
  files: RuntimeFiles,
  { rootfs, store }: { rootfs: string; store: string },
): Promise<void> {
  for (const [path, source] of Object.entries(files)) await linkShared(source, join(rootfs, path), store);
}
