import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Clock } from '../../lib/clock.ts';
import { exists } from '../../lib/files.ts';
import { createLogger } from '../../lib/logger.ts';
import { handToken } from './token.ts';

let root: string;
const node = {
  name: 'edge-1',
  site: 'plant',
  tier: 'edge',
  address: '192.0.2.1',
  nats: { servers: ['tls://127.0.0.1'] },
};
const log = createLogger('test', { level: 'silent' });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'godwit-token-'));
  await mkdir(join(root, 'settings'));
  await writeFile(join(root, 'token'), 'first');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Looks this often; before each further look, `between` is done. */
async function hand(looks: number, between: () => Promise<void>): Promise<void> {
  const stopped = new AbortController();
  let left = looks;
  const sleep = async (): Promise<void> => {
    left -= 1;
    if (left === 0) stopped.abort();
    else await between();
  };
  const clock: Clock = { now: Date.now, monotonic: () => performance.now(), sleep };
  await handToken({ root, settings: '/settings', log }, { clock, signal: stopped.signal, token: join(root, 'token') });
}

test('the node has the newest token, for root alone', async () => {
  await writeFile(join(root, 'settings/node.yaml'), stringify({ ...node, imagePath: { token: '/run/kubelet.token' } }));
  await hand(2, () => writeFile(join(root, 'token'), 'second'));
  const target = join(root, 'run/kubelet.token');
  expect(await readFile(target, 'utf8')).toBe('second');
  expect((await stat(target)).mode & 0o777).toBe(0o600);
});

test('a node that asks for none gets none', async () => {
  await writeFile(join(root, 'settings/node.yaml'), stringify(node));
  await hand(1, async () => undefined);
  expect(await exists(join(root, 'run'))).toBe(false);
});
