import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { systemExec } from '../../lib/exec.ts';
import { installRestoreHold } from '../../migrator/engine/restore-hold.ts';
import type { Finding } from './check.ts';
import { foreignCriuConfig } from './criu-config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-doctor-'));
  await mkdir(join(folder, '.criu'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const look = (): Promise<Finding[]> =>
  foreignCriuConfig(folder)({ exec: systemExec, clock: systemClock, env: { HOME: folder } });

test('nothing but comments is fine', async () => {
  await writeFile(join(folder, 'runc.conf'), '# tcp-established\n\n');
  expect(await look()).toMatchObject([{ state: 'ok' }]);
});

test('what holds the copies of pods is ours', async () => {
  await installRestoreHold({ state: folder, run: folder, runcRoot: folder }, folder);
  expect(await look()).toMatchObject([{ state: 'ok' }]);
});

test.each(['default.conf', '.criu/default.conf', 'runc.conf'])('what %s sets is named', async (name) => {
  await writeFile(join(folder, name), 'tcp-established # kept\naction-script /bin/true\n');
  const [finding, ...others] = await look();
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    state: 'warning',
    found: `${join(folder, name)} sets tcp-established, action-script`,
  });
});
