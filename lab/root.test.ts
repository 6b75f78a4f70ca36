import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GodwitError } from '../lib/errors.ts';
import type { Exec } from '../lib/exec.ts';
import { ensureRoot, findMirror } from './root.ts';
import { labSettings } from './settings.ts';

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'root-'));
});
afterEach(() => rm(cacheDir, { recursive: true }));

const settingsWith = (exec: Exec): ReturnType<typeof labSettings> =>
  labSettings({ cacheDir, exec, mirror: 'file:///mirror/debian' });

test('is built once, though many ask at the same time, and shows only when whole', async () => {
  let builds = 0;
  const exec: Exec = async (file, args) => {
    builds += 1;
    expect(file).toBe('mmdebstrap');
    expect(args.slice(-3)).toEqual(['sid', expect.stringContaining(cacheDir), 'file:///mirror/debian']);
    expect(await readdir(cacheDir)).toEqual([]);
    await mkdir(args.at(-2) ?? '');
    return { stdout: '', stderr: '' };
  };
  const paths = await Promise.all([1, 2, 3].map(() => ensureRoot(settingsWith(exec))));
  expect(builds).toBe(1);
  expect(new Set(paths)).toEqual(new Set([join(cacheDir, (await readdir(cacheDir))[0] ?? '')]));
});

test('tells what to do when mmdebstrap is missing or fails, and builds anew the next time', async () => {
  const failing =
    (message: string): Exec =>
    async () => {
      throw new GodwitError('E_EXEC', message);
    };
  await expect(ensureRoot(settingsWith(failing('spawn mmdebstrap ENOENT')))).rejects.toMatchObject({
    code: 'E_SETUP',
    next: 'Run make setup.',
  });
  await expect(ensureRoot(settingsWith(failing('E: no such suite')))).rejects.toMatchObject({
    code: 'E_LAB',
    message: expect.stringContaining('E: no such suite'),
  });
});

test.each([
  ['deb http://mirror.test/debian bookworm main\n', 'http://mirror.test/debian'],
  ['deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian/ sid main\n', 'http://mirror.test/debian/'],
  ['# deb http://old.test/debian sid main\ndeb http://ppa.test/tools x main\n', undefined],
  [
    'Types: deb\nURIs: http://mirror.test/x\nSuites: sid\nSigned-By: /k/debian-archive-keyring.gpg\n',
    'http://mirror.test/x',
  ],
  [
    'Types: deb\nURIs: http://node.test\nSuites: x\n\nTypes: deb\nURIs: http://m.test/debian\nSuites: sid\n',
    'http://m.test/debian',
  ],
  ['Types: deb\nURIs: http://m.test/debian-security\nSigned-By: /debian-archive-keyring.gpg\n', undefined],
])('finds Debian’s own archive in %j', (text, mirror) => {
  expect(findMirror(text)).toBe(mirror);
});
