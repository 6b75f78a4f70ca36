import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemExec } from '../../lib/exec.ts';
import { exists } from '../../lib/files.ts';
import type { Paths } from '../paths.ts';
import { type Place, placeIn, restoreJob } from './engine.ts';
import { giveVerdict } from './hold.ts';
import { jobState } from './job.ts';
import {
  forbidImageRestore,
  imageRestoreHeld,
  installRestoreHold,
  prepareImageRestore,
  removeRestoreHold,
  restoreHoldObstacle,
} from './restore-hold.ts';

let folder: string;
let etc: string;
let images: string;
let place: Place;
const container = 'c'.repeat(64);
const soon = () => ({ signal: AbortSignal.timeout(10_000) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-restore-'));
  etc = join(folder, 'criu');
  images = join(folder, 'containers', container, 'ctrd-restore');
  place = placeIn(join(folder, 'migrations/m-1'));
  await mkdir(images, { recursive: true });
  await writeFile(join(images, 'godwit-migration'), 'm-1\n');
  const paths: Paths = { state: folder, run: folder, runcRoot: folder };
  await installRestoreHold(paths, etc);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What CRIU does at a stage; answers the exit code of the script. */
async function stage(action: string): Promise<number | null> {
  const script = join(etc, 'godwit-hold');
  const env = { PATH: process.env.PATH, CRTOOLS_SCRIPT_ACTION: action, CRTOOLS_IMAGE_DIR: images };
  const child = spawn(script, { env, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

test('a copy is held until the verdict, and runs from then on', async () => {
  await prepareImageRestore(place, systemExec);
  expect(await stage('pre-restore')).toBe(0);
  const held = stage('post-restore');
  expect(await imageRestoreHeld(place, soon())).toBe(container);
  expect((await jobState(restoreJob(place)))?.running).toBe(true);
  await giveVerdict(place.folder, 'run');
  expect(await held).toBe(0);
  expect(await stage('pre-resume')).toBe(0);
  expect(await jobState(restoreJob(place))).toEqual({ running: false, code: 0 });
});

test("the memory's pages stand among the images before CRIU opens them", async () => {
  await prepareImageRestore(place, systemExec);
  await writeFile(join(place.images, 'pages-1.img'), 'memory');
  expect(await stage('pre-restore')).toBe(0);
  expect(await readFile(join(images, 'pages-1.img'), 'utf8')).toBe('memory');
  await rm(join(images, 'pages-1.img'));
  await mkdir(join(images, 'pages-1.img', 'pages-1.img'), { recursive: true });
  expect(await stage('pre-restore')).not.toBe(0);
});

test('a checkpoint is restored once', async () => {
  await prepareImageRestore(place, systemExec);
  const held = stage('post-restore');
  await imageRestoreHeld(place, soon());
  expect(await stage('post-restore')).not.toBe(0);
  await giveVerdict(place.folder, 'run');
  expect(await held).toBe(0);
});

test('what is held ends when it is forbidden, and nothing comes after it', async () => {
  await prepareImageRestore(place, systemExec);
  const held = stage('post-restore');
  await imageRestoreHeld(place, soon());
  await forbidImageRestore(place);
  expect(await held).not.toBe(0);
  expect(await stage('post-restore')).not.toBe(0);
});

test.each(['m-2', '../m-1', ''])('a copy of a migration that is not expected is not restored: %j', async (id) => {
  await prepareImageRestore(place, systemExec);
  await writeFile(join(images, 'godwit-migration'), `${id}\n`);
  for (const action of ['pre-restore', 'post-restore']) expect(await stage(action)).not.toBe(0);
});

test("somebody else's restores and dumps are none of its business", async () => {
  await rm(join(images, 'godwit-migration'));
  for (const action of ['pre-dump', 'post-restore', 'pre-resume']) expect(await stage(action)).toBe(0);
});

test("somebody else's configuration stays, and is an obstacle", async () => {
  expect(await restoreHoldObstacle(etc)).toBeUndefined();
  const file = join(etc, 'runc.conf');
  await writeFile(file, 'tcp-established\n');
  await installRestoreHold({ state: folder, run: folder, runcRoot: folder }, etc);
  expect(await readFile(file, 'utf8')).toBe('tcp-established\n');
  expect(await restoreHoldObstacle(etc)).toMatch(/is not Godwit's/);
  await removeRestoreHold(etc);
  expect(await readFile(file, 'utf8')).toBe('tcp-established\n');
});

test('it is taken back whole', async () => {
  await removeRestoreHold(etc);
  expect([await exists(join(etc, 'runc.conf')), await exists(join(etc, 'godwit-hold'))]).toEqual([false, false]);
});
