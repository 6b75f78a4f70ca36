import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../lib/clock.ts';
import { podSampleSubject } from '../../lib/subjects.ts';
import { createGatheredSet } from './gather.ts';

let nowMs = 0;
let lines: Record<string, unknown>[] = [];
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
beforeEach(() => {
  nowMs = 0;
  lines = [];
});

const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
const newSet = () => createGatheredSet({ config: { site: 'plant', name: 'edge-1' }, clock, log });
const message = (workload: string, cpuCores: number, goodForMs = 2500): Uint8Array =>
  Buffer.from(JSON.stringify({ sample: { workload, cpuCores, memoryBytes: 1 }, goodForMs }));
const from = (pod: string): string => podSampleSubject('plant', 'edge-1', pod);

test('a sidecar’s newest sample stands for its pod until it is too old', () => {
  const set = newSet();
  set.take(from('u1'), message('plant.a', 0.5));
  set.take(from('u2'), message('plant.b', 0.1, 500));
  set.take(from('u1'), message('plant.a', 0.7));
  set.scan();
  expect(set.sample()).toMatchObject([
    { workload: 'plant.a', cpuCores: 0.7 },
    { workload: 'plant.b', cpuCores: 0.1 },
  ]);
  nowMs = 1000;
  set.scan();
  expect(set.sample()).toMatchObject([{ workload: 'plant.a' }]);
  nowMs = 3000;
  set.scan();
  expect(set.sample()).toEqual([]);
});

test('two pods that claim one name are one workload in the message', () => {
  const set = newSet();
  set.take(from('u1'), message('plant.a', 0.5));
  set.take(from('u2'), message('plant.a', 0.25));
  expect(set.sample()).toEqual([{ workload: 'plant.a', cpuCores: 0.75, memoryBytes: 2 }]);
});

test('a faulty message is said once a pod and changes nothing', () => {
  const set = newSet();
  set.take(from('u1'), message('plant.a', 0.5));
  for (let n = 0; n < 3; n++) set.take(from('u1'), message('No Name', 0.5));
  set.take(from('u2'), Buffer.from('{'));
  expect(set.sample()).toMatchObject([{ workload: 'plant.a', cpuCores: 0.5 }]);
  expect(lines).toHaveLength(2);
});

test('no message grows beyond its schema', () => {
  const set = newSet();
  for (let n = 0; n < 1002; n++) set.take(from(`u${n}`), message(`plant.a${n}`, 0));
  expect(set.sample()).toHaveLength(1000);
});
