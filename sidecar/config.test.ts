import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(text: string, env: NodeJS.ProcessEnv = {}) {
  const path = join(folder, 'controller.yaml');
  await writeFile(path, text);
  return readConfig(['--config', path], env);
}

describe('controller.yaml', () => {
  test('has defaults for all but the servers; paths are relative to it', async () => {
    expect(await read('nats: { servers: [tls://hub:4222] }')).toEqual({
      kubeconfig: undefined,
      namespace: 'godwit-system',
      nats: { servers: ['tls://hub:4222'], pki: folder },
      leaseMs: 10_000,
    });
  });

  test('takes the kubeconfig from the file before the environment', async () => {
    const nats = 'nats: { servers: [tls://hub:4222] }';
    expect((await read(`kubeconfig: admin\n${nats}`, { KUBECONFIG: '/b' })).kubeconfig).toBe(join(folder, 'admin'));
    expect((await read(nats, { KUBECONFIG: '/b' })).kubeconfig).toBe('/b');
  });

  test('tells all faults at once', async () => {
    const fault = read('leaseMs: 1\nmetrics: { port: 0 }\nsurplus: 1');
    await expect(fault).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringMatching(/nats.*leaseMs.*metrics\.port.*surplus/s),
    });
  });
});
