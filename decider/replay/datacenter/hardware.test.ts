import { expect, test } from 'vitest';
import { type HostType, hostTypes, migrationSeconds, powerAt, vmTypeOf } from './hardware.ts';

const [g4, g5] = hostTypes as [HostType, HostType];

test.each([
  [g4, 0, 86],
  [g4, 0.05, 87.7],
  [g4, 0.1, 89.4],
  [g4, 1, 117],
  [g5, 0.25, 103],
  [g5, 0.95, 134],
])('%o at %d draws %d W', (type, utilization, watts) => {
  expect(powerAt(type, utilization)).toBeCloseTo(watts, 9);
});

test('800 hosts at full power for a day: 2419.2 kWh, as published', () => {
  expect((400 * (powerAt(g4, 1) + powerAt(g5, 1)) * 24) / 1000).toBeCloseTo(2419.2, 6);
});

test('types go by quarters of the list', () => {
  expect([0, 262, 263, 526, 789, 1051].map((index) => vmTypeOf(index, 1052).mips)).toEqual([
    2500, 2500, 2000, 1000, 500, 500,
  ]);
});

test('1740 MB take 27.84 s over half of 1 Gbit/s', () => {
  expect(migrationSeconds(1740)).toBe(27.84);
});
