import { describe, expect, test } from 'vitest';
import type { Clock } from '../lib/clock.ts';
import type { Lease } from '../lib/lease.ts';
import { createLogger } from '../lib/logger.ts';
import type { Controller } from './controller.ts';
import { lead } from './lead.ts';

/** A lease that the test gives and takes. */
function handLease() {
  let epoch: number | undefined;
  const lease: Lease = {
    epoch: () => epoch,
    run: async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  };
  const give = (term: number): void => {
    epoch = term;
  };
  const take = (): void => {
    epoch = undefined;
  };
  return { lease, give, take };
}

const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) };
const log = createLogger('test', { level: 'silent' });
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

function scene(run?: Controller['run']) {
  const told: string[] = [];
  const stop = new AbortController();
  const { lease, give, take } = handLease();
  const controller: Controller = {
    name: 'test',
    run: async ({ signal }) => {
      told.push('begins');
      if (run) return run({ signal });
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      told.push('ends');
    },
  };
  const running = lead({ lease, controllers: [controller], clock, log, signal: stop.signal });
  return { told, stop, give, take, running };
}

describe('controllers', () => {
  test('run in each term of the leader, and only then', async () => {
    const { told, stop, give, take, running } = scene();
    await turns();
    expect(told).toEqual([]);
    give(1);
    await turns();
    expect(told).toEqual(['begins']);
    take();
    await turns();
    expect(told).toEqual(['begins', 'ends']);
    give(2);
    await turns();
    stop.abort();
    await running;
    expect(told).toEqual(['begins', 'ends', 'begins', 'ends']);
  });

  test('run again in the same term when it lapsed for a moment, by a renewal that came late', async () => {
    const { told, stop, give, take, running } = scene();
    give(1);
    await turns();
    take();
    await turns();
    give(1);
    await turns();
    stop.abort();
    await running;
    expect(told).toEqual(['begins', 'ends', 'begins', 'ends']);
  });

  test('one that fails ends the process', async () => {
    const { give, running } = scene(() => Promise.reject(new Error('broken')));
    give(1);
    await expect(running).rejects.toThrow('broken');
  });
});
