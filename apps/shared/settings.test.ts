import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

const rules = { MIB: { fallback: 64, min: 0, max: 100 }, RATE: { fallback: 0.5, min: 0, max: 1 } };

test('unset and empty variables take their fallback', () => {
  expect(readSettings({ MIB: '' }, rules)).toEqual({ MIB: 64, RATE: 0.5 });
  expect(readSettings({ MIB: ' 7 ', RATE: '0' }, rules)).toEqual({ MIB: 7, RATE: 0 });
});

test('all faults are named at once', () => {
  expect(() => readSettings({ MIB: '101', RATE: 'fast' }, rules)).toThrow(
    'MIB: expected a number from 0 to 100, got "101"; RATE: expected a number from 0 to 1, got "fast"',
  );
});
