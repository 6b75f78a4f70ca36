import { expect, test } from 'vitest';
import { findHierarchies } from './hierarchies.ts';

const mount = (root: string, path: string, type: string, options: string): string =>
  `31 23 0:28 ${root} ${path} rw,relatime shared:9 - ${type} ${type} ${options}`;

const v1 = [
  mount('/', '/sys/fs/cgroup', 'tmpfs', 'rw'),
  mount('/', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
  mount('/box', '/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
  mount('/box', '/sys/fs/cgroup/freezer', 'cgroup', 'rw,freezer'),
  mount('/', '/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd'),
  mount('/', '/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
].join('\n');

test('v1: our own group of every hierarchy, below what its mount shows; v2 beside it has no controllers', () => {
  const cgroup = '4:memory:/box/mine\n3:cpu,cpuacct:/a/b\n2:name=systemd:/\n1:pids:/\n5:freezer:/boxing\n0::/ignored\n';
  expect(findHierarchies(cgroup, v1)).toEqual([
    { controllers: 'memory', path: '/sys/fs/cgroup/memory/mine' },
    { controllers: 'cpu,cpuacct', path: '/sys/fs/cgroup/cpu,cpuacct/a/b' },
    { controllers: 'name=systemd', path: '/sys/fs/cgroup/systemd' },
  ]);
});

test('v2 alone: the root of the mount, since our group holds processes', () => {
  const mounts = `${mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')}\n`;
  expect(findHierarchies('0::/user.slice/session-1.scope\n', mounts)).toEqual([
    { controllers: '', path: '/sys/fs/cgroup' },
  ]);
});

test('nothing mounted, nothing found', () => {
  expect(findHierarchies('0::/\n', mount('/', '/', 'ext4', 'rw'))).toEqual([]);
});
