import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('a wrong flag is named, with the usage', async () => {
  await expect(readConfig(['--konfig', 'x'])).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('--konfig'),
    next: expect.stringContaining('--config FILE'),
  });
});

const pod = { GODWIT_POD_UID: 'u-1', GODWIT_POD_NAMESPACE: 'plant', GODWIT_POD_NAME: 'reducer' };
const sidecar = (env: NodeJS.ProcessEnv) => readConfig(['--sidecar', '/run/godwit/sidecar'], env);

test('a sidecar knows its pod by its environment, and a workload that moved keeps its name', async () => {
  const common = { uid: 'u-1', folder: '/run/godwit/sidecar', cgroup: '/host/cgroup' };
  expect(await sidecar({ ...pod, GODWIT_WORKLOAD: '' })).toEqual({ sidecar: { ...common, workload: 'plant.reducer' } });
  const moved = await sidecar({ ...pod, GODWIT_WORKLOAD: 'plant.reducer-1' });
  expect(moved).toEqual({ sidecar: { ...common, workload: 'plant.reducer-1' } });
});

test('a sidecar names all that is wrong with its environment', async () => {
  await expect(sidecar({ GODWIT_POD_UID: 'a/b' })).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringMatching(/POD_UID.*NAMESPACE.*POD_NAME/),
  });
});

test('every wrong field of the file is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-config-'));
  const path = join(folder, 'node.yaml');
  await writeFile(
    path,
    'name: Edge\nsite: a\ntier: edge\naddress: 10.0.0.1\nnats: { servers: [x] }\nmonitor: { intervalMs: 1 }\n',
  );
  const reading = readConfig(['--config', path]);
  await expect(reading).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringMatching(/name: .*intervalMs: /),
  });
  await rm(folder, { recursive: true });
});
