import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { createContainerSet } from './container-set.ts';
import { createFileOpener } from './held-file.ts';
import { podContainers } from './pod-containers.ts';
import { runcContainers } from './runc-root.ts';

let root = '';
let nowMs = 0;
let lines: Record<string, unknown>[] = [];
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'godwit-containers-'));
  mkdirSync(join(root, 'runc'));
  nowMs = 0;
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const newSet = (more: { maxContainers?: number } = {}, source = runcContainers) =>
  createContainerSet({
    ...more,
    source: source(join(root, 'runc')),
    open: createFileOpener(),
    clock,
    bounds: { maxCores: 2, minElapsedMs: 250 },
    log: pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) }),
  });

function group(id: string, files: Record<string, string> = {}): void {
  const folder = join(root, 'cgroup', id);
  mkdirSync(folder, { recursive: true });
  const all = {
    'cpu.stat': 'usage_usec 0\n',
    'cpu.max': 'max 100000\n',
    'memory.current': '5000\n',
    'memory.max': 'max\n',
    'memory.stat': 'inactive_file 1000\n',
    'cgroup.events': 'populated 1\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
}

function container(id: string, files?: Record<string, string>, labels?: string[]): void {
  group(id, files);
  mkdirSync(join(root, 'runc', id));
  const state = { cgroup_paths: { '': join(root, 'cgroup', id) }, ...(labels && { config: { labels } }) };
  writeFileSync(join(root, 'runc', id, 'state.json'), JSON.stringify(state));
}

const usage = (id: string, usec: number) => group(id, { 'cpu.stat': `usage_usec ${usec}\n` });

test('a newcomer is sampled from the time it was found; who has left is not', () => {
  const set = newSet();
  container('web');
  set.scan();
  nowMs = 500;
  container('late');
  set.scan();
  nowMs = 1000;
  usage('web', 1_500_000);
  usage('late', 100_000);
  expect(set.sample()).toEqual([
    { workload: 'web', cpuCores: 1.5, memoryBytes: 4000 },
    { workload: 'late', cpuCores: 0.2, memoryBytes: 4000 },
  ]);
  rmSync(join(root, 'runc/web'), { recursive: true });
  set.scan();
  nowMs = 2000;
  expect(set.sample().map((sample) => sample.workload)).toEqual(['late']);
  set.close();
});

test('a newcomer too young to tell comes with the next sample, over its whole life', () => {
  const set = newSet();
  container('web');
  set.scan();
  nowMs = 100;
  usage('web', 90_000);
  expect(set.sample()).toEqual([]);
  nowMs = 1000;
  usage('web', 500_000);
  expect(set.sample()).toMatchObject([{ cpuCores: 0.5 }]);
  set.close();
});

test('after a counter reset the interval is left out, the next one counts', () => {
  const set = newSet();
  container('web', { 'cpu.stat': 'usage_usec 9000000\n' });
  set.scan();
  nowMs = 1000;
  usage('web', 1000);
  expect(set.sample()).toEqual([]);
  nowMs = 2000;
  usage('web', 301_000);
  expect(set.sample()).toMatchObject([{ cpuCores: 0.3 }]);
  set.close();
});

test('a container without a process is not sampled', () => {
  const set = newSet();
  container('stopped', { 'cgroup.events': 'populated 0\n' });
  set.scan();
  nowMs = 1000;
  expect(set.sample()).toEqual([]);
  group('stopped');
  nowMs = 2000;
  expect(set.sample()).toHaveLength(1);
  set.close();
});

test('a limit that changes is seen after a few samples', () => {
  const set = newSet();
  container('web');
  set.scan();
  group('web', { 'memory.max': '6000\n' });
  const limits = Array.from({ length: 6 }, () => {
    nowMs += 1000;
    return set.sample()[0]?.memoryLimitBytes;
  });
  expect(limits).toEqual([undefined, undefined, undefined, undefined, undefined, 6000]);
  set.close();
});

test('a container that is still being made, or goes while it is taken in, is no error', () => {
  const set = newSet();
  mkdirSync(join(root, 'runc/making'));
  container('going');
  rmSync(join(root, 'cgroup/going'), { recursive: true });
  set.scan();
  expect(lines).toEqual([]);
  rmSync(join(root, 'runc'), { recursive: true });
  set.scan();
  expect(lines).toEqual([]);
});

test('what can not be watched is counted, said once, and stops nothing', () => {
  const set = newSet();
  container('web');
  for (const id of ['No_Name', 'other_name']) container(id);
  mkdirSync(join(root, 'runc/broken'));
  writeFileSync(join(root, 'runc/broken/state.json'), '{"cgroup_paths": 7}');
  container('odd', { 'memory.current': 'lots\n' });
  for (let scan = 0; scan < 3; scan++) set.scan();
  nowMs = 1000;
  expect(set.sample().map((sample) => sample.workload)).toEqual(['web']);
  expect(lines).toHaveLength(2);
  expect(lines).toContainEqual(expect.objectContaining({ reason: 'not a workload name', count: 2 }));
  expect(lines).toContainEqual(expect.objectContaining({ reason: 'can not be read', count: 2 }));
  set.close();
});

test('more than a message can hold are left out, and that is said once', () => {
  const set = newSet({ maxContainers: 4 });
  for (let n = 0; n < 7; n++) container(`c-${n}`);
  set.scan();
  set.scan();
  nowMs = 1000;
  expect(set.sample()).toHaveLength(4);
  expect(lines).toMatchObject([{ reason: 'too many for one message', count: 3 }]);
  set.close();
});

test('no file stays open after close, nor of a container that has left', () => {
  const before = readdirSync('/proc/self/fd').length;
  const set = newSet();
  container('a');
  container('b');
  set.scan();
  rmSync(join(root, 'runc/a'), { recursive: true });
  set.scan();
  set.close();
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

const labels = (container: string, more: Record<string, string> = {}): string[] =>
  Object.entries({
    'container-type': 'container',
    'container-name': container,
    'sandbox-namespace': 'plant',
    'sandbox-name': 'reducer',
    'sandbox-uid': 'u1',
    ...more,
  }).map(([name, value]) => `io.kubernetes.cri.${name}=${value}`);

test('of pods, their containers are taken together; sandboxes, the sidecar and system pods are nothing', () => {
  const set = newSet({}, podContainers);
  container('4ed5', {}, labels('', { 'container-type': 'sandbox' }));
  container('677b', {}, labels('app'));
  container('677c', {}, labels('helper'));
  container('677d', {}, labels('godwit-monitor'));
  container('99aa', {}, labels('coredns', { 'sandbox-namespace': 'kube-system' }));
  container('aa00', {}, [...labels('app', { 'sandbox-name': 'copy' }), 'godwit.dev/workload=plant.reducer-1']);
  set.scan();
  nowMs = 1000;
  for (const id of ['677b', '677c', '677d', 'aa00']) usage(id, 250_000);
  expect(set.sample()).toEqual([
    { workload: 'plant.reducer', cpuCores: 0.5, memoryBytes: 8000 },
    { workload: 'plant.reducer-1', cpuCores: 0.25, memoryBytes: 4000 },
  ]);
  expect(lines).toEqual([]);
  set.close();
});

test('what is nobody’s workload is asked for once', () => {
  let asked = 0;
  const set = newSet({}, (folder) => ({
    list: () => ['4ed5'],
    identify: () => {
      asked += folder.length > 0 ? 1 : 0;
      return undefined;
    },
  }));
  set.scan();
  set.scan();
  expect(asked).toBe(1);
});
