import { expect, test } from 'vitest';
import { createLogger } from '../../lib/logger.ts';
import { createTurns } from './turns.ts';

const log = createLogger('test', { level: 'silent' });

test('one turn at a time for a key, one more for any number of pokes meanwhile, and others beside it', async () => {
  const under = new Map<string, number>();
  const done: string[] = [];
  const turns = createTurns(async (key) => {
    under.set(key, (under.get(key) ?? 0) + 1);
    expect(under.get(key)).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    under.set(key, 0);
    done.push(key);
  }, log);
  for (const key of ['a', 'a', 'b', 'a']) turns.poke(key);
  await turns.idle();
  expect(done.sort()).toEqual(['a', 'a', 'b']);
});

test('a failure ends its turn alone', async () => {
  let calls = 0;
  const turns = createTurns(async () => {
    if (calls++ === 0) throw new Error('once');
  }, log);
  turns.poke('a');
  await turns.idle();
  turns.poke('a');
  await turns.idle();
  expect(calls).toBe(2);
});
