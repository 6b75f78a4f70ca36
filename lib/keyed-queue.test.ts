import { expect, test } from 'vitest';
import { createKeyedQueue } from './keyed-queue.ts';

test('work of one key never overlaps, work of another key does not wait', async () => {
  const inTurn = createKeyedQueue();
  const trace: string[] = [];
  const first = Promise.withResolvers<void>();
  const a = inTurn('x', async () => {
    trace.push('a begins');
    await first.promise;
    trace.push('a ends');
  });
  const b = inTurn('x', async () => trace.push('b'));
  await inTurn('y', async () => trace.push('other key'));
  first.resolve();
  await Promise.all([a, b]);
  expect(trace).toEqual(['a begins', 'other key', 'a ends', 'b']);
});

test('a failure reaches its own caller and stops nobody else', async () => {
  const inTurn = createKeyedQueue();
  const failed = inTurn('x', () => Promise.reject(new Error('no')));
  const next = inTurn('x', async () => 'yes');
  await expect(failed).rejects.toThrow('no');
  await expect(next).resolves.toBe('yes');
});
