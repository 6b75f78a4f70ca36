import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Exec, systemExec } from '../../lib/exec.ts';
import { imagesFolder, type Paths } from '../paths.ts';
import { unpackedImage } from './unpack.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const process = { args: ['/app'], env: ['A=1'], cwd: '/', user: { uid: 0, gid: 0, additionalGids: [] } };

let folder: string;
let layout: string;
let paths: Paths;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-unpack-'));
  paths = { state: join(folder, 'state'), run: join(folder, 'run'), runcRoot: join(folder, 'runc') };
  layout = join(folder, 'layout');
  await mkdir(layout);
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { 'org.opencontainers.image.ref.name': 'v1' };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const platforms = ['amd64', 'arm64', '386', 'ppc64le', 's390x', 'riscv64', 'loong64', 'arm'];
  const manifests = platforms.map((architecture) => ({
    ...{ mediaType, digest, annotations },
    platform: { os: 'linux', architecture },
  }));
  await writeFile(join(layout, 'index.json'), JSON.stringify({ manifests }));
});
afterEach(() => rm(folder, { recursive: true }));

/** umoci's part of the work, up to a fault; every other program is the real one. */
const umoci =
  (calls: string[], fault?: Error): Exec =>
  async (file, args, options) => {
    if (file !== 'umoci') return systemExec(file, args, options);
    const bundle = args.at(-1) ?? '';
    calls.push(bundle);
    await mkdir(join(bundle, 'rootfs'), { recursive: true });
    await writeFile(join(bundle, 'rootfs/app'), 'program');
    if (fault) throw fault;
    await writeFile(join(bundle, 'config.json'), JSON.stringify({ process: { ...process, terminal: true } }));
    return { stdout: '', stderr: '' };
  };
const kept = (): Promise<string[]> => readdir(imagesFolder(paths));

test('an image is unpacked once', async () => {
  const calls: string[] = [];
  const first = await unpackedImage(paths, `${layout}:v1`, umoci(calls));
  expect(first.process).toEqual(process);
  expect(await readdir(first.rootfs)).toEqual(['app']);
  expect(await unpackedImage(paths, `${layout}:v1`, umoci(calls))).toEqual(first);
  expect(calls).toHaveLength(1);
  expect((await kept()).sort()).toEqual([`oci-sha256-${'a'.repeat(64)}.json`, first.digest.replace(':', '-')]);
});

test('one whose files were removed is unpacked again', async () => {
  const calls: string[] = [];
  const { rootfs } = await unpackedImage(paths, `${layout}:v1`, umoci(calls));
  await rm(rootfs, { recursive: true });
  expect((await unpackedImage(paths, `${layout}:v1`, umoci(calls))).rootfs).toBe(rootfs);
  expect(calls).toHaveLength(2);
});

test('nothing stays of an image that broke off', async () => {
  const full = new Error('no space left on device');
  await expect(unpackedImage(paths, `${layout}:v1`, umoci([], full))).rejects.toThrow('no space left');
  expect(await kept()).toEqual([]);
  expect(await readdir((await unpackedImage(paths, `${layout}:v1`, umoci([]))).rootfs)).toEqual(['app']);
});

test('what a killed process left goes, what another one works on stays', async () => {
  const [dead, alive] = [`oci-x.${2 ** 22 + 1}.part`, 'oci-y.1.part'];
  for (const part of [dead, alive]) await mkdir(join(imagesFolder(paths), part, 'bundle'), { recursive: true });
  await unpackedImage(paths, `${layout}:v1`, umoci([]));
  expect(await kept()).not.toContain(dead);
  expect(await kept()).toContain(alive);
});

test('without umoci the error names its package', async () => {
  const exec: Exec = (file, args, options) => systemExec(file === 'umoci' ? 'godwit-no-umoci' : file, args, options);
  await expect(unpackedImage(paths, `${layout}:v1`, exec)).rejects.toMatchObject({
    code: 'E_SETUP',
    next: 'apt-get install umoci',
  });
});
