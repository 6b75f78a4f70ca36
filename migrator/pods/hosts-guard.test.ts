import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { guardHosts, refuseOwnHosts, unguardHosts } from './hosts-guard.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-hosts-'));
  await writeFile(join(folder, 'etc-hosts'), 'hosts');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hosts = () => join(folder, 'etc-hosts');

test('while it stands nobody can write the hosts file; afterwards it is what it was', async () => {
  await guardHosts({ folder });
  await guardHosts({ folder });
  await expect(writeFile(hosts(), 'anew')).rejects.toThrow('EISDIR');
  await unguardHosts({ folder });
  await unguardHosts({ folder });
  expect(await readFile(hosts(), 'utf8')).toBe('hosts');
  expect(await readdir(folder)).toEqual(['etc-hosts']);
});

test('a file that the kubelet writes in between goes', async () => {
  await guardHosts({ folder });
  await rm(hosts(), { recursive: true });
  await writeFile(hosts(), 'of the kubelet');
  await guardHosts({ folder });
  expect((await stat(hosts())).isDirectory()).toBe(true);
  await unguardHosts({ folder });
  expect(await readFile(hosts(), 'utf8')).toBe('hosts');
});

test('of a pod that is gone nothing is left to do', async () => {
  await unguardHosts({ folder: join(folder, 'gone') });
});

test('a container with hosts of its own is refused', async () => {
  const bundle = (source: string) => ({
    mounts: [{ destination: '/etc/hosts', type: 'bind', source }],
    linux: { cgroupsPath: '/x', namespaces: [] },
  });
  const place = { bundle: folder, folder };
  await writeFile(join(folder, 'config.json'), JSON.stringify(bundle(hosts())));
  await refuseOwnHosts(place);
  await writeFile(join(folder, 'config.json'), JSON.stringify(bundle('/elsewhere/hosts')));
  await expect(refuseOwnHosts(place)).rejects.toMatchObject({ code: 'E_PREFLIGHT' });
});
