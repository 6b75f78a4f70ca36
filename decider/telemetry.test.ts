import type { JsMsg } from '@nats-io/jetstream';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { telemetrySchema } from '../lib/contract/telemetry.ts';
import { containerOf, sampleOf } from './fixtures.ts';
import { isTelemetry, parseTelemetry } from './telemetry.ts';

vi.setConfig({ testTimeout: 60_000 });

const good = sampleOf('edge-1', [
  { ...containerOf('a', 1), cpuLimitCores: 2, throttledRatio: 0.5 },
  containerOf('b', 2),
]);

const messageOf = (value: unknown, subject = 'telemetry.v1.site-edge-1.edge-1'): JsMsg =>
  ({ subject, data: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) }) as unknown as JsMsg;

/** Every place in a value, as a path. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  const inner = replaced(copy[key], rest, by);
  if (inner === undefined && Array.isArray(copy)) copy.splice(Number(key), 1);
  else if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy;
}

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    '',
    'edge',
    'A',
    'a.',
    'x'.repeat(300),
    [],
    {},
    -1,
    0,
    1,
    1.5,
    2 ** 53,
    Number.POSITIVE_INFINITY,
  ),
  fc.double({ noNaN: true }),
  fc.string(),
);

const extras = ['pressureRatio', 'cpuPressureRatio', 'memoryPressureRatio', 'memoryLimitBytes', 'other'];
const places = [
  ...pathsOf(good),
  ...extras.flatMap((key) => [
    ['cpu', key],
    ['memory', key],
    ['containers', '0', key],
  ]),
];

describe('the check by hand', () => {
  test('passes what a monitor sends', () => {
    expect(isTelemetry(good)).toBe(true);
  });

  test('judges as the schema does, whatever stands in a place of the message', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places), strange, (path, value) => {
        const changed = replaced(good, path, value);
        expect(isTelemetry(changed)).toBe(telemetrySchema.safeParse(changed).success);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([1000, 1001])('judges as the schema does with %i containers', (count) => {
    const many = { ...good, containers: Array(count).fill(containerOf('a', 0)) };
    expect(isTelemetry(many)).toBe(telemetrySchema.safeParse(many).success);
  });
});

describe('a message that is none', () => {
  const cases: [string, JsMsg, RegExp][] = [
    [
      'names the path of the fault',
      messageOf({ ...good, cpu: { usageCores: -1, capacityCores: 4 } }),
      /cpu\.usageCores: Too small/,
    ],
    ['no JSON', messageOf('{'), /JSON/],
    ['too long', messageOf('x'.repeat(600_000)), /600000 bytes, expected at most 524288/],
    [
      "under another node's subject",
      messageOf(good, 'telemetry.v1.site-edge-1.edge-2'),
      /expected those of the subject/,
    ],
  ];
  test.each(cases)('%s', (_, message, fault) => {
    expect(() => parseTelemetry(message)).toThrow(fault);
  });
});
