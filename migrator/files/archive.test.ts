import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFolder, unpackInto } from './archive.ts';

let root = '';
let from = '';
let to = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'godwit-archive-'));
  [from, to] = [join(root, 'from'), join(root, 'to')];
  await mkdir(from);
  await mkdir(to);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function send(level: 0 | 1): Promise<void> {
  const archive = await packFolder(from, { snapshot: join(root, 'snapshot'), level });
  await unpackInto(to, archive.stream, { incremental: true });
  await archive.done;
}

test('level 1 brings what changed, what is new, and takes away what is gone', async () => {
  await writeFile(join(from, 'same'), 'same');
  await writeFile(join(from, 'changed'), 'old');
  await writeFile(join(from, 'gone'), 'gone');
  await mkdir(join(from, 'folder'));
  await send(0);
  await writeFile(join(from, 'changed'), 'new and longer');
  await writeFile(join(from, 'folder/fresh'), 'fresh');
  await symlink('same', join(from, 'link'));
  await rm(join(from, 'gone'));
  await send(1);
  expect((await readdir(to)).sort()).toEqual(['changed', 'folder', 'link', 'same']);
  expect(await readFile(join(to, 'changed'), 'utf8')).toBe('new and longer');
  expect(await readFile(join(to, 'folder/fresh'), 'utf8')).toBe('fresh');
  expect(await readlink(join(to, 'link'))).toBe('same');
});

test('level 1 does not carry again what has not changed', async () => {
  await writeFile(join(from, 'large'), Buffer.alloc(1 << 20, 'x'));
  await send(0);
  const archive = await packFolder(from, { snapshot: join(root, 'snapshot'), level: 1 });
  let bytes = 0;
  for await (const chunk of archive.stream) bytes += (chunk as Buffer).length;
  await archive.done;
  expect(bytes).toBeLessThan(1 << 16);
});

test('what follows the end mark is read and dropped, however much it is', async () => {
  await writeFile(join(from, 'small'), 'small');
  const archive = await packFolder(from);
  const whole: Buffer[] = [];
  for await (const chunk of archive.stream) whole.push(chunk as Buffer);
  const padded = Readable.from([...whole, ...Array.from({ length: 64 }, () => Buffer.alloc(1 << 16))]);
  await unpackInto(to, padded, { incremental: false });
  expect(await readFile(join(to, 'small'), 'utf8')).toBe('small');
});

test('an archive that is cut short is a fault', async () => {
  await writeFile(join(from, 'large'), Buffer.alloc(1 << 20, 'x'));
  const archive = await packFolder(from);
  const whole: Buffer[] = [];
  for await (const chunk of archive.stream) whole.push(chunk as Buffer);
  const half = Readable.from([Buffer.concat(whole).subarray(0, 500_000)]);
  await expect(unpackInto(to, half, { incremental: false })).rejects.toMatchObject({ code: 'E_TRANSFER' });
});

test('a folder that is not there is a fault', async () => {
  const archive = await packFolder(join(root, 'missing'));
  archive.stream.resume();
  await expect(archive.done).rejects.toMatchObject({ code: 'E_TRANSFER' });
});
