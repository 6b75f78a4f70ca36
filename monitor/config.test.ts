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
