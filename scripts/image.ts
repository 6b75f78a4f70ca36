import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensureRoot } from '../lab/root.ts';
import { labSettings } from '../lab/settings.ts';
import { layOutContext } from './image/context.ts';

// `make image`: the container image of all parts, as an OCI archive in .cache/image.tar. Told on stdout: the archive, and its name.
const settings = labSettings({ onProgress: (line) => console.error(`image: ${line}`) });
const { checkout, cacheDir } = settings;
const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
const image = `localhost/godwit:${version}`;
const context = join(checkout, '.cache/image');
const archive = `${context}.tar`;

// the machine's own images are left alone; chroot needs neither namespaces nor a network of its own
const storage = join(cacheDir, 'buildah');
const limits = ['nofile', 'nproc'].flatMap((limit) => ['--ulimit', `${limit}=4096:4096`]);
const buildah = async (...args: string[]): Promise<string> => {
  const flags = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run')];
  return (await settings.exec('buildah', [...flags, ...args], { timeoutMs: 10 * 60_000 })).stdout.trim();
};
const build = (file: string, from: string, tag: string, ...more: string[]): Promise<string> =>
  buildah('bud', '--quiet', '--isolation', 'chroot', ...limits, '--file', file, '--tag', tag, ...more, from);

const base = process.env.GODWIT_IMAGE_BASE ?? (await debian());
await layOutContext(checkout, context);
settings.onProgress(`building ${image} on ${base}`);
const id = await build(join(checkout, 'packaging/Dockerfile'), context, image, '--build-arg', `BASE=${base}`);
await rm(`${archive}.new`, { force: true });
await buildah('push', '--quiet', id, `oci-archive:${archive}.new:${image}`);
await rename(`${archive}.new`, archive);
await rm(context, { recursive: true });
await buildah('rmi', '--prune', '--force');
settings.onProgress(`${Math.round((await stat(archive)).size / 2 ** 20)} MiB, compressed`);
console.log(`${archive} ${image}`);

/** The root file system of labs as an image: Debian, with all that the Dockerfile wants. */
async function debian(): Promise<string> {
  const root = await ensureRoot(settings);
  const tag = `localhost/${basename(root)}:1`;
  const known = await buildah('images', '--quiet', tag).catch(() => '');
  if (known === '') {
    await mkdir(storage, { recursive: true });
    const file = join(checkout, 'packaging/base.Dockerfile');
    await build(file, root, tag);
  }
  return tag;
}
