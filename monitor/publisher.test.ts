import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../lib/clock.ts';
import { createPublisher, type Publisher } from './publisher.ts';

const hopeless = new Error('too large');
// Not in the same turn of the event loop: a message tried for ever must not stop the test's own timer.
const instantly: Clock = { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) };

function recordingLog() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, messages: () => lines.map((line) => line.msg), lines };
}

function publisherOf(capacity: number, clock = instantly) {
  const { log, ...said } = recordingLog();
  const publisher: Publisher<number> = createPublisher({
    capacity,
    weigh: () => 1,
    isHopeless: (error) => error === hopeless,
    retryMs: 1,
    clock,
    log,
  });
  return { publisher, ...said };
}

test('what was offered before there was a connection goes out first, in order', async () => {
  const { publisher } = publisherOf(10);
  const sent: number[] = [];
  for (const item of [1, 2, 3]) publisher.offer(item);
  publisher.start(async (item) => void sent.push(item));
  publisher.offer(4);
  await publisher.close(1000);
  expect(sent).toEqual([1, 2, 3, 4]);
});

test('an outage delays, keeps the order, loses nothing that fits, and is logged once at each end', async () => {
  const { publisher, messages } = publisherOf(100);
  const sent: number[] = [];
  let failures = 30;
  publisher.start(async (item) => {
    if (failures-- > 0) throw new Error('away');
    sent.push(item);
  });
  for (let item = 0; item < 50; item++) publisher.offer(item);
  await vi.waitUntil(() => sent.length === 50);
  expect(sent).toEqual([...Array(50).keys()]);
  expect(messages()).toEqual(['publishing failed', 'publishing again']);
});

test('a full buffer drops the oldest, says so once an outage, and counts them', async () => {
  const { publisher, messages, lines } = publisherOf(3);
  const sent: number[] = [];
  let away = true;
  publisher.start(async (item) => {
    if (away) throw new Error('away');
    sent.push(item);
  });
  for (let item = 0; item < 10; item++) publisher.offer(item);
  away = false;
  await vi.waitUntil(() => sent.length === 4);
  // The first one was in flight already.
  expect(sent).toEqual([0, 7, 8, 9]);
  expect(messages()).toEqual(['buffer full: dropping the oldest messages', 'publishing failed', 'publishing again']);
  expect(lines.at(-1)?.dropped).toBe(6);
});

test('a message that no attempt can mend is given up and holds up nobody', async () => {
  const { publisher, lines } = publisherOf(10);
  const sent: number[] = [];
  publisher.start(async (item) => {
    if (item === 2) throw hopeless;
    sent.push(item);
  });
  for (const item of [1, 2, 3]) publisher.offer(item);
  await publisher.close(1000);
  expect(sent).toEqual([1, 3]);
  expect(lines).toMatchObject([{ msg: 'publishing failed', hopeless: true }]);
});

test('close gives up after its grace and says how much was lost', async () => {
  const { publisher, lines } = publisherOf(10, systemClock);
  publisher.start(() => Promise.reject(new Error('away')));
  for (const item of [1, 2, 3]) publisher.offer(item);
  await publisher.close(50);
  expect(lines.at(-1)).toMatchObject({ msg: 'stopped before everything was published', lost: 3 });
});

test('what waits without a connection is counted as lost at the end', async () => {
  const { publisher, lines } = publisherOf(10);
  for (const item of [1, 2]) publisher.offer(item);
  await publisher.close(0);
  expect(lines.at(-1)).toMatchObject({ msg: 'stopped before everything was published', lost: 2 });
});

test('whatever fails in between: sent in order, each once, and one at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { maxLength: 40 }), async (failuresOf) => {
      const { publisher } = publisherOf(1000);
      const left = [...failuresOf];
      const sent: number[] = [];
      let inFlight = 0;
      publisher.start(async (item) => {
        expect(++inFlight).toBe(1);
        await Promise.resolve();
        inFlight--;
        if ((left[item] ?? 0) > 0) {
          left[item] = (left[item] ?? 0) - 1;
          throw new Error('away');
        }
        sent.push(item);
      });
      for (const item of failuresOf.keys()) publisher.offer(item);
      await vi.waitUntil(() => sent.length === failuresOf.length, { interval: 1 });
      expect(sent).toEqual([...failuresOf.keys()]);
    }),
    { numRuns: 50 },
  );
});
