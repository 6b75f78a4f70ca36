import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileOpener } from '../held-file.ts';
import { openCgroup } from './reader.ts';

const open = createFileOpener();
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'godwit-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

const pressure = 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
const v1 = {
  'cpuacct/cpuacct.usage': '2500000000\n',
  'cpu/cpu.stat': 'nr_periods 40\nnr_throttled 10\nthrottled_time 123456\nnr_bursts 0\nburst_time 0\n',
  'cpu/cpu.cfs_quota_us': '50000\n',
  'cpu/cpu.cfs_period_us': '100000\n',
  'memory/memory.usage_in_bytes': '1000000\n',
  'memory/memory.limit_in_bytes': '67108864\n',
  'memory/memory.stat':
    'cache 5\ninactive_file 1\ntotal_cache 300000\ntotal_inactive_file 200000\ntotal_active_file 1\n',
  'pids/pids.current': '3\n',
  'unified/cpu.pressure': pressure,
  'unified/memory.pressure': pressure,
};
const v1Paths = () => ({
  cpuacct: `${root}/cpuacct`,
  cpu: `${root}/cpu`,
  memory: `${root}/memory`,
  pids: `${root}/pids`,
  '': `${root}/unified`,
});
const v2 = {
  'cpu.stat': 'usage_usec 2500000\nuser_usec 1\nsystem_usec 2\nnr_periods 40\nnr_throttled 10\nthrottled_usec 9\n',
  'cpu.max': '50000 100000\n',
  'memory.current': '1000000\n',
  'memory.max': '67108864\n',
  'memory.stat': 'anon 5\nfile 300000\nactive_file 1\ninactive_file 200000\n',
  'cgroup.events': 'populated 1\nfrozen 0\n',
  'cpu.pressure': pressure,
  'memory.pressure': pressure,
};
const v2Paths = () => ({ '': root });
const same = {
  cpuMs: 2500,
  memoryBytes: 800_000,
  throttling: { periods: 40, throttled: 10 },
  cpuPressureRatio: 0.015,
  memoryPressureRatio: 0.015,
};

test.each([
  ['v1', v1, v1Paths],
  ['v2', v2, v2Paths],
])('%s: counters, limits and population', (_version, files, paths) => {
  write(files);
  const reader = openCgroup(paths(), open);
  expect(reader.counters()).toEqual(same);
  expect(reader.limits()).toEqual({ cpuLimitCores: 0.5, memoryLimitBytes: 67108864 });
  expect(reader.populated()).toBe(true);
  reader.close();
});

test.each([
  ['v1', v1, v1Paths, { 'cpu/cpu.cfs_quota_us': '-1\n', 'memory/memory.limit_in_bytes': '9223372036854771712\n' }],
  ['v2', v2, v2Paths, { 'cpu.max': 'max 100000\n', 'memory.max': 'max\n' }],
])('%s: unlimited is absent, and without a CPU limit there is no throttling', (_version, files, paths, unlimited) => {
  write({ ...files, ...unlimited });
  const reader = openCgroup(paths(), open);
  expect(reader.limits()).toEqual({ cpuLimitCores: undefined, memoryLimitBytes: undefined });
  expect(reader.counters().throttling).toBeUndefined();
  reader.close();
});

test('each read sees the file as it is now; limits only when asked', () => {
  write(v2);
  const reader = openCgroup(v2Paths(), open);
  write({
    'memory.current': '100000\n',
    'cpu.stat': 'usage_usec 9000000\n',
    'cgroup.events': 'populated 0\nfrozen 0\n',
    'cpu.max': '10000 100000\n',
  });
  expect(reader.counters()).toMatchObject({ cpuMs: 9000, memoryBytes: 0, throttling: undefined });
  expect(reader.populated()).toBe(false);
  expect(reader.limits().cpuLimitCores).toBe(0.5);
  expect(reader.readLimits().cpuLimitCores).toBe(0.1);
  expect(reader.limits().cpuLimitCores).toBe(0.1);
  reader.close();
});

test('without PSI and without a population file the rest is read all the same', () => {
  const { 'unified/cpu.pressure': _cpu, 'unified/memory.pressure': _memory, 'pids/pids.current': _pids, ...rest } = v1;
  write(rest);
  const { cpuacct, cpu, memory } = v1Paths();
  const reader = openCgroup({ cpuacct, cpu, memory }, open);
  expect(reader.counters()).toEqual({ ...same, cpuPressureRatio: undefined, memoryPressureRatio: undefined });
  expect(reader.populated()).toBe(true);
  reader.close();
});

test.each([
  ['cpu.stat', 'user_usec 1\n'],
  ['memory.current', 'garbage\n'],
  ['memory.stat', 'anon 5\n'],
])('a malformed %s is named in the error', (name, text) => {
  write({ ...v2, [name]: text });
  const reader = openCgroup(v2Paths(), open);
  expect(() => reader.counters()).toThrow(`${name}: the value is missing`);
  reader.close();
});

test('a missing file leaves none of the others open', () => {
  const { 'memory/memory.stat': _stat, ...rest } = v1;
  write(rest);
  const before = readdirSync('/proc/self/fd').length;
  expect(() => openCgroup(v1Paths(), open)).toThrow('ENOENT');
  expect(readdirSync('/proc/self/fd').length).toBe(before);
  expect(() => openCgroup({ devices: '/x' }, open)).toThrow('neither v1 groups');
});

const fixtures = join(import.meta.dirname, 'fixtures');
const controllers = ['cpu', 'cpuacct', 'memory', 'pids'];

test('files of a real v1 group with a hybrid’s PSI, Linux 6.18', () => {
  const folder = join(fixtures, 'v1-linux-6.18');
  const paths = Object.fromEntries(controllers.map((name) => [name, join(folder, name)]));
  const reader = openCgroup({ ...paths, '': join(folder, 'unified') }, open);
  expect(reader.counters()).toEqual({
    cpuMs: expect.closeTo(853.508494),
    memoryBytes: 8806400 - 8474624,
    throttling: { periods: 51, throttled: 30 },
    cpuPressureRatio: 0.1347,
    memoryPressureRatio: 0,
  });
  expect(reader.limits()).toEqual({ cpuLimitCores: 0.2, memoryLimitBytes: 67108864 });
  reader.close();
});

test('files of a real v2 group, Linux 6.1', () => {
  const reader = openCgroup({ '': join(fixtures, 'v2-linux-6.1') }, open);
  expect(reader.counters()).toEqual({
    cpuMs: expect.closeTo(1545.353),
    memoryBytes: 1703936,
    throttling: { periods: 33, throttled: 30 },
    cpuPressureRatio: 0.2991,
    memoryPressureRatio: 0,
  });
  expect(reader.limits()).toEqual({ cpuLimitCores: 0.5, memoryLimitBytes: 67108864 });
  expect(reader.populated()).toBe(true);
  reader.close();
});
