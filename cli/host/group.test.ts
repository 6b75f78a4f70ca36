import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNodeGroup, removeNodeGroup } from './group.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'godwit-group-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Files below sys/fs/cgroup, as the kernel has them. */
async function layOut(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, 'sys/fs/cgroup', path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
}
const read = (path: string): Promise<string> => readFile(join(root, 'sys/fs/cgroup', path), 'utf8');

test('version 2: one group, at the top of the only tree', async () => {
  await layOut({
    'cgroup.controllers': 'cpuset cpu io memory pids\n',
    'cgroup.procs': '1\n',
    'cpuset.cpus.effective': '0-3\n',
    'kubepods.slice/cgroup.procs': '',
    'system.slice/containerd.service/cgroup.procs': '700\n',
  });
  expect(await makeNodeGroup(root)).toEqual(['/sys/fs/cgroup/godwit/cgroup.procs']);
  await expect(read('godwit/cpuset.cpus')).rejects.toThrow('ENOENT');
});

test('version 1: one group a hierarchy; that of processors is told which', async () => {
  await layOut({
    'cpuset/cgroup.procs': '1\n',
    'cpuset/cpuset.cpus': '0-1\n',
    'cpuset/cpuset.mems': '0\n',
    'memory/cgroup.procs': '1\n',
    'systemd/cgroup.procs': '1\n',
    // the tree of version 2 in systemd's hybrid layout
    'unified/cgroup.procs': '1\n',
    'empty/other': '',
  });
  const files = await makeNodeGroup(root);
  expect(files.sort()).toEqual(
    ['cpuset', 'memory', 'systemd', 'unified'].map((name) => `/sys/fs/cgroup/${name}/godwit/cgroup.procs`),
  );
  expect(await read('cpuset/godwit/cpuset.cpus')).toBe('0-1\n');
  expect(await read('cpuset/godwit/cpuset.mems')).toBe('0\n');
});

test('is taken away where nothing is in it', async () => {
  await layOut({ 'memory/cgroup.procs': '', 'pids/cgroup.procs': '' });
  const files = await makeNodeGroup(root);
  await mkdir(join(root, 'sys/fs/cgroup/pids/godwit/page-daemon'));
  await removeNodeGroup(root, files);
  expect(await readdir(join(root, 'sys/fs/cgroup/memory'))).toEqual(['cgroup.procs']);
  expect(await readdir(join(root, 'sys/fs/cgroup/pids/godwit'))).toEqual(['page-daemon']);
});
