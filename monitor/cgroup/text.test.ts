import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCfsQuota, parseCounter, parseCpuMax, parseKey, parseMemoryLimit, parsePressure } from './text.ts';

const malformed = ['', '\n', 'abc', '-1', '12x', '1.5', '0x10', '1 2', 'NaN', '∞'];

test('a counter is one whole number and nothing else', () => {
  expect(parseCounter('184467440737\n')).toBe(184467440737);
  for (const text of malformed) expect(parseCounter(text)).toBeUndefined();
});

test('a key is found at the start of a line only', () => {
  const stat = 'inactive_file 1\nnr_periods 7\ntotal_inactive_file 30\nshmem_inactive_file 5\n';
  expect(parseKey(stat, 'inactive_file')).toBe(1);
  expect(parseKey(stat, 'nr_periods')).toBe(7);
  expect(parseKey(stat, 'total_inactive_file')).toBe(30);
  expect(parseKey('total_inactive_file 30\n', 'inactive_file')).toBeUndefined();
  expect(parseKey(stat, 'nr_period')).toBeUndefined();
  expect(parseKey('nr_periods 12', 'nr_periods')).toBe(12);
  for (const text of malformed) expect(parseKey(`nr_periods ${text}\n`, 'nr_periods')).toBeUndefined();
});

test('CPU limits of both versions', () => {
  expect(parseCpuMax('50000 100000\n')).toBe(0.5);
  expect(parseCpuMax('max 100000\n')).toBeUndefined();
  expect(parseCfsQuota('150000\n', '100000\n')).toBe(1.5);
  expect(parseCfsQuota('-1\n', '100000\n')).toBeUndefined();
  expect(parseCfsQuota('100000\n', '0\n')).toBeUndefined();
  for (const text of malformed) {
    expect(parseCpuMax(text === '1 2' ? '' : text)).toBeUndefined();
    expect(parseCfsQuota(text, '100000')).toBeUndefined();
  }
});

test('a memory limit beyond all memory is none', () => {
  expect(parseMemoryLimit('67108864\n')).toBe(67108864);
  expect(parseMemoryLimit('9223372036854771712\n')).toBeUndefined();
  expect(parseMemoryLimit('max\n')).toBeUndefined();
});

test('pressure is the line `some`, as a ratio', () => {
  const text = 'some avg10=12.34 avg60=0.69 avg300=0.77 total=15434298\nfull avg10=99.00 avg60=0 avg300=0 total=0\n';
  expect(parsePressure(text)).toBe(0.1234);
  expect(parsePressure('some avg10=100.00 avg60=1 avg300=1 total=1\n')).toBe(1);
  expect(parsePressure('full avg10=99.00 avg60=0.00 avg300=0.00 total=0\n')).toBeUndefined();
  expect(parsePressure('')).toBeUndefined();
});

test('no text makes a parser throw or return what the contract forbids', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, other) => {
      const results = [
        parseCounter(text),
        parseKey(text, 'nr_periods'),
        parseCpuMax(text),
        parseCfsQuota(text, other),
        parseMemoryLimit(text),
        parsePressure(text),
      ];
      for (const result of results) expect(result === undefined || result >= 0).toBe(true);
    }),
  );
});
