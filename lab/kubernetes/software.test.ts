import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Exec } from '../../lib/exec.ts';
import { labSettings } from '../settings.ts';
import { ensureProgram, requireProgram, versionFlags } from './software.ts';

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'kube-'));
});
afterEach(() => rm(cacheDir, { recursive: true }));

const settingsWith = (exec: Exec): ReturnType<typeof labSettings> => labSettings({ cacheDir, exec });
const failing =
  (message: string): Exec =>
  async () => {
    throw new Error(message);
  };

test('is built once, though many ask at the same time, and shows only when whole', async () => {
  let builds = 0;
  const settings = settingsWith(async (file, args, options) => {
    builds += 1;
    expect([file, options?.env]).toEqual(['go', { CGO_ENABLED: '0' }]);
    await expect(requireProgram(settings, 'kube')).rejects.toMatchObject({ code: 'E_SETUP' });
    await writeFile(args[args.indexOf('-o') + 1] ?? '', 'program');
    return { stdout: '', stderr: '' };
  });
  const built = await Promise.all([1, 2, 3].map(() => ensureProgram(settings, 'kube')));
  expect(builds).toBe(1);
  const known = await requireProgram(settings, 'kube');
  expect(built).toEqual([known, known, known]);
  expect(await readFile(built[0]?.path ?? '', 'utf8')).toBe('program');
});

test('a build that fails leaves nothing, and says what failed', async () => {
  await expect(ensureProgram(settingsWith(failing('spawn go ENOENT')), 'kube')).rejects.toMatchObject({
    code: 'E_SETUP',
    next: 'Run make setup-kubernetes.',
  });
  await expect(ensureProgram(settingsWith(failing('no such module')), 'coredns')).rejects.toMatchObject({
    code: 'E_LAB',
    message: expect.stringContaining('no such module'),
  });
  expect(await readdir(cacheDir)).toEqual([]);
});

test('the version that it tells is that of the module', async () => {
  const flags = versionFlags(await readFile(join(import.meta.dirname, 'build/kube/go.mod'), 'utf8'));
  const version = /-X k8s\.io\/component-base\/version\.gitVersion=(v1\.\d+\.\d+) /.exec(`${flags.join(' ')} `)?.[1];
  expect(flags).toContain(`-X k8s.io/component-base/version.gitMinor=${version?.split('.')[1]}`);
  expect(versionFlags('module other')).toEqual([]);
});
