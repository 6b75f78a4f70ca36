import { chmod, chown, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageFolder, type Paths } from '../paths.ts';
import { addImage, digestOf, findImage, keepImage } from './images.ts';

let folder: string;
let paths: Paths;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-images-'));
  paths = { state: join(folder, 'state'), run: join(folder, 'run'), runcRoot: join(folder, 'runc') };
});
afterEach(() => rm(folder, { recursive: true }));

async function rootfs(name: string, text = 'same'): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'bin'), { recursive: true });
  await writeFile(join(root, 'bin/app'), text);
  await symlink('app', join(root, 'bin/link'));
  return root;
}

test('the same files have the same digest wherever they lie', async () => {
  expect(await digestOf(await rootfs('a'))).toBe(await digestOf(await rootfs('b')));
});

test.each([
  ['content', (root: string) => writeFile(join(root, 'bin/app'), 'diff')],
  ['mode', (root: string) => chmod(join(root, 'bin/app'), 0o751)],
  ['name', (root: string) => writeFile(join(root, 'bin/more'), '')],
  ['link', (root: string) => rm(join(root, 'bin/link')).then(() => symlink('other', join(root, 'bin/link')))],
])('another %s, another digest', async (_, change) => {
  const root = await rootfs('a');
  const before = await digestOf(root);
  await change(root);
  expect(await digestOf(root)).not.toBe(before);
});

test('another owner, another digest', async (context) => {
  context.skip(process.getuid?.() !== 0, 'only root gives files to others');
  const root = await rootfs('a');
  const before = await digestOf(root);
  await chown(join(root, 'bin/app'), 1000, 1000);
  expect(await digestOf(root)).not.toBe(before);
});

test('an image that is there already stays, be it a folder or a bundle’s', async () => {
  const bundle = await rootfs('bundle');
  const digest = await addImage(paths, bundle);
  expect(await keepImage(paths, digest, await rootfs('unpacked'))).toBe(bundle);
  const other = await rootfs('other', 'else');
  const kept = await keepImage(paths, await digestOf(other), other);
  expect(await keepImage(paths, await digestOf(kept), await rootfs('again', 'else'))).toBe(kept);
  expect(await addImage(paths, await rootfs('third', 'else'))).toBe(await digestOf(kept));
  expect(await readFile(join(kept, 'bin/app'), 'utf8')).toBe('else');
});

test('the link to a bundle that is gone gives way', async () => {
  const digest = await addImage(paths, await rootfs('first'));
  await rm(join(folder, 'first'), { recursive: true });
  expect(await findImage(paths, digest)).toBeUndefined();
  await addImage(paths, await rootfs('second'));
  expect(await readlink(imageFolder(paths, digest))).toBe(join(folder, 'second'));
  await rm(join(folder, 'second'), { recursive: true });
  expect(await keepImage(paths, digest, await rootfs('third'))).toBe(imageFolder(paths, digest));
});
