import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBusyMs, parseCgroupRoots, parseMeminfo } from './text.ts';

test('busy time leaves out idle, waiting and stolen time, and counts guests once', () => {
  const stat = 'cpu  100 20 30 4000 500 6 7 80 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
  expect(parseBusyMs(stat)).toBe((100 + 20 + 30 + 6 + 7) * 10);
  expect(parseBusyMs('cpu0 1 2 3 4 5 6 7\n')).toBeUndefined();
  expect(parseBusyMs('cpu  1 2 3\n')).toBeUndefined();
  expect(parseBusyMs('')).toBeUndefined();
});

test('used memory is what is not available', () => {
  const meminfo =
    'MemTotal:       24684096 kB\nMemFree:        1 kB\nMemAvailable:   24000000 kB\nHugePages_Total:       0\n';
  expect(parseMeminfo(meminfo)).toEqual({ totalBytes: 24684096 * 1024, usedBytes: 684096 * 1024 });
  expect(parseMeminfo('MemTotal: 1 kB\nMemAvailable: 2 kB\n')?.usedBytes).toBe(0);
  expect(parseMeminfo('MemTotal: 1 kB\n')).toBeUndefined();
});

test('cgroup roots: only mounts that show the root of the namespace; a later mount hides an earlier one', () => {
  const mountinfo = [
    '30 24 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755',
    '31 30 0:27 /../.. /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory',
    '32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpu,cpuacct',
    '33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '34 30 0:27 / /old/memory rw - cgroup cgroup rw,memory',
    '35 30 0:27 / /new/memory rw - cgroup cgroup rw,memory',
    '36 30 0:27 /../.. /host/memory rw - cgroup cgroup rw,memory',
  ].join('\n');
  expect(parseCgroupRoots(mountinfo)).toMatchObject({
    '': '/sys/fs/cgroup/unified',
    cpu: '/sys/fs/cgroup/cpu,cpuacct',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
    memory: '/new/memory',
  });
});

test('no text makes a parser throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseBusyMs(text);
      parseMeminfo(text);
      parseCgroupRoots(text);
    }),
  );
});
