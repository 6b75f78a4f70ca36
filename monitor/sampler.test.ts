import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import { telemetrySchema } from '../lib/contract/telemetry.ts';
import type { NodeUsage } from './host/usage.ts';
import { createSampler } from './sampler.ts';

const identity = { site: 'site-a', node: 'edge-1', tier: 'edge' as const, boot: 'b00t' };

function samplerOf(clock: Clock, counters: NodeUsage['counters']) {
  const node: NodeUsage = {
    counters,
    capacity: () => ({ cores: 2, memoryBytes: 1000 }),
    source: { cpu: 'machine', memory: 'machine' },
    close: () => undefined,
  };
  const containers = { scan: () => undefined, sample: () => [], close: () => undefined };
  return createSampler({ identity, clock, containers, node, bounds: { maxCores: 2, minElapsedMs: 250 } });
}

test('the first message covers the time since the start', () => {
  let [wall, mono, cpuMs] = [5000, 100, 1000];
  const clock: Clock = { now: () => wall, monotonic: () => mono, sleep: async () => undefined };
  const sampler = samplerOf(clock, () => ({ cpuMs, memoryBytes: 400, cpuPressureRatio: 0.5 }));
  [wall, mono, cpuMs] = [6000, 1100, 1750];
  expect(sampler.sample()).toEqual({
    ...identity,
    sequence: 0,
    at: 6000,
    intervalMs: 1000,
    cpu: { usageCores: 0.75, capacityCores: 2, pressureRatio: 0.5 },
    memory: { usageBytes: 400, capacityBytes: 1000 },
    containers: [],
  });
});

test('whatever the clocks and counters do: what comes out fits the contract, and sequences have no gap', () => {
  const step = fc.record({
    wall: fc.nat(),
    elapsedMs: fc.double({ min: -1e6, max: 1e9, noNaN: true }),
    cpuMs: fc.double({ min: 0, max: 1e15, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let [wall, mono, cpuMs] = [0, 0, 0];
      const clock: Clock = { now: () => wall, monotonic: () => mono, sleep: async () => undefined };
      const sampler = samplerOf(clock, () => ({ cpuMs, memoryBytes: 1 }));
      let sequence = 0;
      for (const one of steps) {
        [wall, mono, cpuMs] = [one.wall, mono + one.elapsedMs, one.cpuMs];
        const message = sampler.sample();
        if (!message) continue;
        expect(telemetrySchema.parse(message)).toEqual(message);
        expect(message.sequence).toBe(sequence++);
        expect(message.cpu.usageCores).toBeLessThanOrEqual(2);
      }
    }),
  );
});
