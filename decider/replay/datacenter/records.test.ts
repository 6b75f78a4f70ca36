import { expect, test } from 'vitest';
import { newHostRecord, newVmRecord, noteHost, noteVm, shutdownsOf } from './records.ts';

test('a host: active time, time in which it owed something, shutdowns', () => {
  const record = newHostRecord();
  for (const [at, allocated, requested] of [
    [0, 10, 10],
    [10, 9, 10],
    [30, 0, 0],
    [60, 5, 5],
    [70, 0, 0],
  ] as const)
    noteHost(record, { at, allocated, requested, active: allocated > 0 });
  expect(record).toMatchObject({ activeSeconds: 40, violatedSeconds: 20 });
  expect(shutdownsOf(record)).toBe(2);
});

test('a host that was never on has been shut down once', () => {
  const record = newHostRecord();
  for (const at of [0, 10, 20]) noteHost(record, { at, allocated: 0, requested: 0, active: false });
  expect(shutdownsOf(record)).toBe(1);
  expect(record.activeSeconds).toBe(0);
});

test('a second entry for one time replaces the first', () => {
  const record = newHostRecord();
  noteHost(record, { at: 0, allocated: 1, requested: 1, active: true });
  noteHost(record, { at: 0, allocated: 1, requested: 2, active: true });
  noteHost(record, { at: 10, allocated: 1, requested: 1, active: true });
  expect(record).toMatchObject({ activeSeconds: 10, violatedSeconds: 10 });
});

test('a VM: only what is missing while it moves counts as degradation', () => {
  const record = newVmRecord();
  for (const [at, allocated, requested, moving] of [
    [0, 100, 100, false],
    [10, 80, 100, false],
    [20, 90, 100, true],
    [40, 100, 100, false],
    [50, 100, 100, false],
  ] as const)
    noteVm(record, { at, allocated, requested, moving });
  expect(record).toMatchObject({ requested: 5000, degraded: 200 });
});
