import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withLock } from './lock.ts';

const fresh = (): string => `test-${process.pid}-${Math.random()}`;

test('one at a time, also after a failure', async () => {
  const name = fresh();
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await delay(3);
    inside -= 1;
    throw new Error('failed');
  };
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => withLock(name, work)));
  expect(results.map(({ status }) => status)).toEqual(Array(8).fill('rejected'));
  expect(most).toBe(1);
});

test('other names do not wait', async () => {
  expect(await withLock(fresh(), () => withLock(fresh(), async () => 'both'))).toBe('both');
});

test('the lock of a killed process is free', async () => {
  const name = fresh();
  const code = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await withLock(${JSON.stringify(name)}, () => { console.log('held'); return new Promise((done) => setTimeout(done, 60_000)); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  let entered = false;
  const waiting = withLock(name, async () => {
    entered = true;
  });
  await delay(20);
  expect(entered).toBe(false);
  holder.kill('SIGKILL');
  await waiting;
  expect(entered).toBe(true);
});
