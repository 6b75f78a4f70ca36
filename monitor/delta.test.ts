import fc from 'fast-check';
import { expect, test } from 'vitest';
import { containerSampleSchema } from '../lib/contract/telemetry.ts';
import { containerSample, type Reading, throttledRatio, usedCores } from './delta.ts';

const bounds = { maxCores: 4, minElapsedMs: 250 };
const reading = (part: Partial<Reading>): Reading => ({ atMs: 0, cpuMs: 0, memoryBytes: 0, ...part });

test('cores are CPU time over elapsed time', () => {
  expect(usedCores({ atMs: 1000, cpuMs: 500 }, { atMs: 2000, cpuMs: 2000 }, bounds)).toBe(1.5);
});

test('a counter that went back, a clock that stands or goes back, or too short a time tell nothing', () => {
  const before = { atMs: 1000, cpuMs: 500 };
  expect(usedCores(before, { atMs: 2000, cpuMs: 499 }, bounds)).toBeUndefined();
  expect(usedCores(before, { atMs: 1000, cpuMs: 600 }, bounds)).toBeUndefined();
  expect(usedCores(before, { atMs: 500, cpuMs: 600 }, bounds)).toBeUndefined();
  expect(usedCores(before, { atMs: 1249, cpuMs: 600 }, bounds)).toBeUndefined();
  expect(usedCores({ atMs: 1, cpuMs: 1 }, { atMs: 1, cpuMs: 1 }, { maxCores: 4, minElapsedMs: 0 })).toBeUndefined();
});

test('nobody uses more than the machine has', () => {
  expect(usedCores({ atMs: 0, cpuMs: 0 }, { atMs: 1000, cpuMs: 1e9 }, bounds)).toBe(4);
});

test('throttling is the share of the interval’s periods', () => {
  const before = reading({ throttling: { periods: 10, throttled: 5 } });
  const after = (periods: number, throttled: number) => reading({ throttling: { periods, throttled } });
  expect(throttledRatio(before, after(110, 30))).toBe(0.25);
  expect(throttledRatio(before, after(10, 5))).toBe(0);
  expect(throttledRatio(before, after(11, 9))).toBe(1);
  expect(throttledRatio(before, after(3, 1))).toBeUndefined();
  expect(throttledRatio(before, reading({}))).toBeUndefined();
  expect(throttledRatio(reading({}), before)).toBeUndefined();
});

const counter = fc.double({ min: 0, max: 1e15, noNaN: true });
const readings = fc.record(
  {
    atMs: fc.double({ min: -1e12, max: 1e12, noNaN: true }),
    cpuMs: counter,
    memoryBytes: fc.nat(),
    throttling: fc.record({ periods: fc.nat(), throttled: fc.nat() }),
    cpuPressureRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  },
  { requiredKeys: ['atMs', 'cpuMs', 'memoryBytes'] },
);

test('whatever two readings hold, the sample fits the contract', () => {
  fc.assert(
    fc.property(readings, readings, (before, after) => {
      const sample = containerSample('web', before, after, { cpuLimitCores: 0.5 }, bounds);
      if (sample === undefined) return;
      expect(containerSampleSchema.parse(sample)).toEqual(sample);
      expect(sample.cpuCores).toBeLessThanOrEqual(bounds.maxCores);
    }),
  );
});

test('splitting an interval does not change the CPU time it adds up to', () => {
  const step = fc.tuple(fc.double({ min: 250, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      let at = { atMs: 0, cpuMs: 0 };
      let total = 0;
      for (const [elapsedMs, cores] of steps) {
        const next = { atMs: at.atMs + elapsedMs, cpuMs: at.cpuMs + elapsedMs * cores };
        total += (usedCores(at, next, bounds) ?? 0) * (next.atMs - at.atMs);
        at = next;
      }
      expect(Math.abs(total - at.cpuMs)).toBeLessThan(1e-3);
    }),
  );
});
