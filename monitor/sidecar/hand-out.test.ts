import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type NodeConfig, nodeConfigSchema } from '../../lib/node-config.ts';
import { handOut } from './hand-out.ts';

// whoever is not root can give files to a group of their own only
const group = process.getgid?.() === 0 ? 65_532 : (process.getgid?.() ?? 0);
let dir: string;
let config: NodeConfig;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hand-out-'));
  for (const name of ['ca.crt', 'sidecar.crt', 'sidecar.key', 'migrator.key']) await writeFile(join(dir, name), name);
  const nats = { servers: ['tls://127.0.0.1:4222', 'tls://10.0.0.9:4222'] };
  const node = { name: 'edge-1', site: 'plant', tier: 'edge', address: '10.0.0.1', nats, pki: dir };
  config = nodeConfigSchema.parse({ ...node, runDir: join(dir, 'run'), monitor: { intervalMs: 500, mode: 'sidecar' } });
});
afterEach(() => rm(dir, { recursive: true }));

test('sidecars get their certificate and where to tell, and nobody else reads it', async () => {
  await handOut(config, group);
  const folder = join(dir, 'run/sidecar');
  expect((await readdir(folder)).sort()).toEqual(['ca.crt', 'node.json', 'sidecar.crt', 'sidecar.key']);
  expect(JSON.parse(await readFile(join(folder, 'node.json'), 'utf8'))).toEqual({
    node: 'edge-1',
    site: 'plant',
    servers: ['tls://10.0.0.1:4222', 'tls://10.0.0.9:4222'],
    intervalMs: 500,
  });
  const seen = await Promise.all(['.', 'sidecar.key'].map((name) => stat(join(folder, name))));
  expect(seen.map(({ mode, gid }) => [mode & 0o777, gid])).toEqual([
    [0o750, group],
    [0o640, group],
  ]);
});

test('what stands there already is not written again, or the sidecars would start anew', async () => {
  const changedAt = async (): Promise<number> => (await stat(join(dir, 'run/sidecar/sidecar.crt'))).ctimeMs;
  await handOut(config, group);
  const before = await changedAt();
  await handOut(config, group);
  expect(await changedAt()).toBe(before);
  await writeFile(join(dir, 'sidecar.crt'), 'renewed');
  await handOut(config, group);
  expect(await readFile(join(dir, 'run/sidecar/sidecar.crt'), 'utf8')).toBe('renewed');
});
