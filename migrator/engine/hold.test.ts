import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemExec } from '../../lib/exec.ts';
import { giveVerdict, isHeld, isWaiting, prepareHold } from './hold.ts';

let folder = '';
let script = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-hold-'));
  script = await prepareHold(folder, 'post-restore', systemExec);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (action: string) =>
  spawn(script, { env: { ...process.env, CRTOOLS_SCRIPT_ACTION: action }, stdio: 'ignore' });

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error('the condition never held');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('every stage but post-restore passes at once', async () => {
  const [code] = await once(run('pre-restore'), 'exit');
  expect(code).toBe(0);
  expect(await isHeld(folder)).toBe(false);
});

test('at post-restore it waits, and `run` lets the copy go', async () => {
  const child = run('post-restore');
  await until(() => isHeld(folder));
  expect(child.exitCode).toBeNull();
  expect(await giveVerdict(folder, 'run')).toBe(true);
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  expect(code).toBe(0);
});

test('`die` ends the copy', async () => {
  const child = run('post-restore');
  await until(() => giveVerdict(folder, 'die'));
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  expect(code).not.toBe(0);
});

test('a writer that says nothing leaves it held', async () => {
  const child = run('post-restore');
  await until(() => isHeld(folder));
  const writer = spawn('/bin/sh', ['-c', `: > '${join(folder, 'verdict')}'`], { stdio: 'ignore' });
  await once(writer, 'exit');
  expect(child.exitCode).toBeNull();
  expect(await giveVerdict(folder, 'run')).toBe(true);
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  expect(code).toBe(0);
});

test('once the mark is there, a verdict reaches its reader', async () => {
  for (let round = 0; round < 20; round += 1) {
    const child = run('post-restore');
    await until(() => isHeld(folder));
    expect(await giveVerdict(folder, 'die')).toBe(true);
    if (child.exitCode === null) await once(child, 'exit');
    await rm(join(folder, 'held'));
  }
});

test('it waits until it has its verdict', async () => {
  expect(await isWaiting(folder)).toBe(false);
  const child = run('post-restore');
  await until(() => isHeld(folder));
  expect([await isWaiting(folder), await isWaiting(folder)]).toEqual([true, true]);
  await giveVerdict(folder, 'run');
  if (child.exitCode === null) await once(child, 'exit');
  expect(await isWaiting(folder)).toBe(false);
});

test('nobody waits: the verdict reaches nobody and says so', async () => {
  expect(await giveVerdict(folder, 'run')).toBe(false);
});
