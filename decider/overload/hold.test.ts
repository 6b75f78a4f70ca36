import { expect, test } from 'vitest';
import { newHold } from '../world/model.ts';
import { count } from './hold.ts';

const params = { abnormalities: 3, normalities: 2 };

test.each([
  ['fires at the third hit, not after it', '111', '001'],
  ['starts anew after a normal sample', '110111', '000001'],
  ['clears after two normal samples in a row', '1110100', '0011110'],
  ['counts a slow ramp as well: the level, not the edge', '11111', '00111'],
])('%s', (_, samples, hot) => {
  const hold = newHold();
  const seen = [...samples].map((abnormal, at) => {
    count(hold, abnormal === '1', at, params);
    return hold.hot ? '1' : '0';
  });
  expect(seen.join('')).toBe(hot);
});

test('remembers when the run began', () => {
  const hold = newHold();
  for (const [at, abnormal] of [true, false, false, true, true, true].entries()) count(hold, abnormal, at, params);
  expect(hold.since).toBe(3);
});
