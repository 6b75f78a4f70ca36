import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const untilInterrupted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('work of a migration takes turns; that of another does not wait', async () => {
  const turns = createTurns();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = turns.take('a', async () => {
    await gate.promise;
    order.push('first');
  });
  const second = turns.take('a', async () => order.push('second'));
  await turns.take('b', async () => order.push('other'));
  gate.resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(['other', 'first', 'second']);
});

test('an interruption ends what runs and what waits, and not what comes after it', async () => {
  const turns = createTurns();
  const begun: string[] = [];
  const running = turns.take('a', untilInterrupted);
  const waiting = turns.take('a', async () => begun.push('waiting'));
  const other = turns.take('b', untilInterrupted);
  const ends = Promise.allSettled([running, waiting]);
  await Promise.resolve();
  turns.interrupt('a', new Error('aborted'));
  const later = turns.take('a', async () => 'later');
  expect((await ends).map((end) => end.status)).toEqual(['rejected', 'rejected']);
  expect(begun).toEqual([]);
  expect(await later).toBe('later');
  turns.interrupt('b', new Error('the end'));
  await expect(other).rejects.toThrow('the end');
});
