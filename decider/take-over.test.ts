import { expect, test } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import type { Decision } from '../lib/contract/decision.ts';
import { createLogger } from '../lib/logger.ts';
import { policyOf } from './fixtures.ts';
import type { QueuedCommand } from './queued-commands.ts';
import { createTakeOver, type TakeOverOptions } from './take-over.ts';

/** Parts that only note when they are called; `gates` hold a step back. */
function scene(gates: { caughtUp?: (() => Promise<void>)[] } = {}) {
  const calls: string[] = [];
  let term: number | undefined;
  const left = { id: 'd-left' } as Decision;
  const orphan = { command: { decision: 'd-orphan' }, site: 'site' } as QueuedCommand;
  const options: TakeOverOptions = {
    lease: {
      epoch: () => term,
      run: async ({ mayLead, onLead }) => {
        while (!mayLead()) await settle();
        calls.push('lease');
        term = 3;
        onLead(3);
      },
    },
    sources: {
      run: async () => undefined,
      caughtUp: async () => {
        await gates.caughtUp?.shift()?.();
        calls.push('caught up');
      },
      queued: async () => new Map([['m-orphan', 'subject']]),
      command: async (subject) => (subject === 'subject' ? orphan : undefined),
    },
    policies: {
      run: async () => undefined,
      sync: async () => {
        calls.push('policy');
      },
    },
    policy: () => policyOf(),
    past: {
      decision: ({ id }) => calls.push(`reserve ${id}`),
      event: () => undefined,
      highestEpoch: () => 0,
      unrecorded: (queued) => [...queued],
      uncommanded: () => [left],
    },
    outbox: {
      send: async () => undefined,
      post: () => undefined,
      record: async ({ id }) => {
        calls.push(`record ${id}`);
      },
      complete: async ({ id }) => {
        calls.push(`complete ${id}`);
      },
    },
    clock: systemClock,
    log: createLogger('test', { level: 'silent' }),
  };
  const lose = (): void => {
    term = undefined;
  };
  return { takeOver: createTakeOver(options), calls, lose };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a term begins with the past known, the policy in place, and what was left half done brought to its end', async () => {
  const { takeOver, calls } = scene();
  await takeOver.run({ signal: new AbortController().signal });
  await settle();
  expect(calls).toEqual([
    'caught up',
    'lease',
    'caught up',
    'policy',
    'reserve d-orphan',
    'record d-orphan',
    'complete d-left',
  ]);
  expect(takeOver.epoch()).toBe(3);
});

test('nothing is decided before that', async () => {
  const gate = Promise.withResolvers<void>();
  const { takeOver } = scene({ caughtUp: [async () => undefined, () => gate.promise] });
  await takeOver.run({ signal: new AbortController().signal });
  await settle();
  expect(takeOver.epoch()).toBeUndefined();
  gate.resolve();
  await settle();
  expect(takeOver.epoch()).toBe(3);
});

test('nothing is decided once the term has gone', async () => {
  const { takeOver, lose } = scene();
  await takeOver.run({ signal: new AbortController().signal });
  await settle();
  lose();
  expect(takeOver.epoch()).toBeUndefined();
});

test('a step that fails is tried again while the term lasts', async () => {
  const { takeOver, calls } = scene({
    caughtUp: [async () => undefined, () => Promise.reject(new Error('no server'))],
  });
  await takeOver.run({ signal: new AbortController().signal });
  await expect.poll(() => takeOver.epoch()).toBe(3);
  expect(calls.filter((call) => call === 'caught up')).toHaveLength(2);
});
