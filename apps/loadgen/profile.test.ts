import { expect, test } from 'vitest';
import { dueTimes, parseProfile } from './profile.ts';

const due = (text: string, durationMs: number) => [...dueTimes(parseProfile(text), durationMs)];

test('parses steps of second and rate', () => {
  expect(parseProfile('0:5, 1.5:80')).toEqual([
    { fromMs: 0, perSecond: 5 },
    { fromMs: 1500, perSecond: 80 },
  ]);
});

test.each([
  ['0:5,10', '"10": expected <second>:<requests per second>'],
  ['0:-5', '"0:-5": expected'],
  ['', '"": expected'],
  ['0:5,10:2,10:3', 'step 3: expected a later second'],
])('refuses "%s"', (text, message) => {
  expect(() => parseProfile(text)).toThrow(message);
});

test('spreads the requests of a step evenly, the first at once', () => {
  expect(due('0:4', 1000)).toEqual([0, 250, 500, 750]);
});

test('changes the rate at a step, and keeps what the step before had begun', () => {
  expect(due('0:2,1:4', 2000)).toEqual([0, 500, 1000, 1250, 1500, 1750]);
  expect(due('0:1,0.5:10', 800)).toEqual([0, 550, 650, 750]); // half a request was owed after 500 ms
});

test('sends nothing in a step of rate 0, nor before the first step', () => {
  expect(due('0:2,1:0,3:2', 4000)).toEqual([0, 500, 3000, 3500]);
  expect(due('2:1', 4000)).toEqual([2000, 3000]);
});

test('sends as many requests as the rates add up to', () => {
  expect(due('0:5,10:80,40:5', 60_000)).toHaveLength(50 + 2400 + 100);
});
