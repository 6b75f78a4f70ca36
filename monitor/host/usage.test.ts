import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileOpener } from '../held-file.ts';
import { type NodeUsageOptions, openNodeUsage } from './usage.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'godwit-proc-'));
  write({
    'proc/stat': 'cpu  100 0 0 0 0 0 0 0 0 0\n',
    'proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 400 kB\n',
    'proc/pressure/cpu': 'some avg10=10.00 avg60=0.00 avg300=0.00 total=0\n',
    'proc/pressure/memory': 'some avg10=20.00 avg60=0.00 avg300=0.00 total=0\n',
    'proc/self/mountinfo': `33 30 0:29 / ${root}/cgroup rw - cgroup2 cgroup2 rw\n`,
  });
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

function writeGroup(cpuMax: string, memoryMax: string): void {
  write({
    'cgroup/cpu.stat': 'usage_usec 7000\n',
    'cgroup/cpu.max': `${cpuMax}\n`,
    'cgroup/memory.current': '3000\n',
    'cgroup/memory.max': `${memoryMax}\n`,
    'cgroup/memory.stat': 'inactive_file 1000\n',
    'cgroup/cpu.pressure': 'some avg10=30.00 avg60=0.00 avg300=0.00 total=0\n',
    'cgroup/memory.pressure': 'some avg10=40.00 avg60=0.00 avg300=0.00 total=0\n',
  });
}

function read(capacity: NodeUsageOptions['capacity'] = {}) {
  const node = openNodeUsage({ open: createFileOpener(), proc: join(root, 'proc'), capacity, hostCores: 8 });
  const seen = { ...node.counters(), ...node.capacity(), source: node.source };
  node.close();
  return seen;
}

const ofMachine = { cpuMs: 1000, cpuPressureRatio: 0.1, cores: 8 };
const memoryOfMachine = { memoryBytes: 1000 * 1024, memoryPressureRatio: 0.2 };

test('a real host, whose root group has no usage files', () => {
  expect(read()).toEqual({ ...ofMachine, ...memoryOfMachine, source: { cpu: 'machine', memory: 'machine' } });
});

test('a root group without limits is the host as well', () => {
  writeGroup('max 100000', 'max');
  expect(read()).toMatchObject({ ...ofMachine, source: { cpu: 'machine', memory: 'machine' } });
});

test('a virtual node is its group: use, pressure and limits', () => {
  writeGroup('150000 100000', '500000');
  expect(read()).toEqual({
    cpuMs: 7,
    memoryBytes: 500000,
    cpuPressureRatio: 0.3,
    memoryPressureRatio: 0.4,
    cores: 1.5,
    source: { cpu: 'cgroup', memory: 'cgroup' },
  });
});

test('each resource for itself, and never more than the machine has', () => {
  writeGroup('max 100000', '9000000000');
  const seen = read();
  expect(seen).toMatchObject({ ...ofMachine, memoryBytes: 1000 * 1024 });
  expect(seen.source).toEqual({ cpu: 'machine', memory: 'cgroup' });
  expect(seen.memoryPressureRatio).toBe(0.4);
});

test('the configured capacity wins; use stays what was measured', () => {
  writeGroup('150000 100000', 'max');
  expect(read({ cores: 1, memoryBytes: 77 })).toMatchObject({ cores: 1, memoryBytes: 77, cpuMs: 7 });
});

test('limits that change are followed', () => {
  writeGroup('150000 100000', '500000');
  const node = openNodeUsage({ open: createFileOpener(), proc: join(root, 'proc'), capacity: {}, hostCores: 8 });
  writeGroup('300000 100000', '600000');
  expect(node.capacity()).toEqual({ cores: 3, memoryBytes: 600000 });
  node.close();
});

test('a machine whose files do not hold what proc(5) says is refused', () => {
  write({ 'proc/meminfo': 'MemTotal: lots\n' });
  expect(() => read()).toThrow('meminfo does not hold');
});
