import type { JetStreamClient } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../lib/contract/decision.ts';
import { GodwitError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import { decidedMove as decision, policyOf, start } from './fixtures.ts';
import { createMetrics } from './metrics.ts';
import { busOrders, type Orders } from './orders.ts';
import { createOutbox } from './outbox.ts';
import { createWorld } from './world/model.ts';

const { migration: _, ...stay } = decision;

/** A server that acknowledges only what `stores`; time passes while the outbox waits to try again. */
function scene(stores: (id: string, attempt: number) => boolean, others?: (asked: string[]) => Orders) {
  const state = { now: start, leads: true, stored: [] as Decision[] };
  const asked: string[] = [];
  const publish = async (_subject: string, text: string, { msgID }: { msgID: string }) => {
    asked.push(msgID);
    await Promise.resolve();
    if (!stores(msgID, asked.filter((id) => id === msgID).length)) throw new Error('no acknowledgement');
    state.stored.push(JSON.parse(text) as Decision);
  };
  const js = { publish } as unknown as JetStreamClient;
  const outbox = createOutbox({
    js,
    orders: others?.(asked) ?? busOrders(js),
    epoch: () => (state.leads ? 4 : undefined),
    commandExpirationMs: () => 1000,
    metrics: createMetrics(createWorld(policyOf()), () => 4),
    clock: {
      now: () => state.now,
      monotonic: () => 0,
      sleep: async (ms) => {
        state.now += ms;
      },
    },
    log: createLogger('test', { level: 'silent' }),
  });
  return { outbox, state, asked, ids: () => state.stored.map(({ id }) => id) };
}

describe('the outbox', () => {
  test('sends the decision, then its command, and waits for neither in between', async () => {
    const { outbox, asked } = scene(() => true);
    const sent = outbox.send(decision);
    expect(asked).toEqual(['d-1', 'm-1']);
    await sent;
  });

  test('stores the decision of a stored command however long it takes', async () => {
    const { outbox, ids } = scene((id, attempt) => id !== 'd-1' || attempt > 100);
    await outbox.send(decision);
    expect(ids()).toEqual(['m-1', 'd-1']);
  });

  test('gives up a "no" after a while', async () => {
    const { outbox, asked } = scene(() => false);
    await expect(outbox.send(stay)).rejects.toThrow('no acknowledgement');
    expect(new Set(asked)).toEqual(new Set(['d-1']));
  });

  test('records that a decision has lapsed whose command could not be stored in time', async () => {
    const { outbox, state, ids } = scene((id) => id !== 'm-1');
    await expect(outbox.send(decision)).rejects.toThrow('no acknowledgement');
    expect(ids()).toEqual(['d-1', 'd-1-lapsed']);
    expect(state.stored[1]).toMatchObject({ verdict: 'stay', lapsed: 'm-1', node: 'edge-1' });
  });

  test('leaves both to the next leader once it leads no more', async () => {
    const { outbox, state, asked } = scene(() => {
      state.leads = false;
      return false;
    });
    await expect(outbox.send(decision)).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(asked).toEqual(['d-1', 'm-1']);
  });

  const elsewhere = (place: (attempt: number) => void) => (asked: string[]) => ({
    afterDecision: true,
    place: async ({ id }: { id: string }) => {
      asked.push(`placed ${id}`);
      place(asked.filter((one) => one === `placed ${id}`).length);
    },
  });

  test('places a command elsewhere only once its decision is stored', async () => {
    const { outbox, asked } = scene(
      (_, attempt) => attempt > 2,
      elsewhere(() => undefined),
    );
    await outbox.send(decision);
    expect(asked).toEqual(['d-1', 'd-1', 'd-1', 'placed m-1']);
  });

  test('tries again there while the command counts', async () => {
    const place = elsewhere((attempt) => {
      if (attempt < 3) throw new GodwitError('E_BUS', 'no answer');
    });
    const { outbox, asked } = scene(() => true, place);
    await outbox.send(decision);
    expect(asked).toEqual(['d-1', 'placed m-1', 'placed m-1', 'placed m-1']);
  });

  test('records why nothing came of a command that is refused there, at once', async () => {
    const place = elsewhere(() => {
      throw new GodwitError('E_REFUSED', 'no such namespace');
    });
    const { outbox, state, asked } = scene(() => true, place);
    await expect(outbox.send(decision)).rejects.toThrow('no such namespace');
    expect(asked).toEqual(['d-1', 'placed m-1', 'd-1-lapsed']);
    expect(state.stored[1]).toMatchObject({
      lapsed: 'm-1',
      sentence: 'trainer stays on edge-1 after all: no such namespace',
    });
  });

  test('completes what was left: with the command while it counts, else with the word that it has lapsed', async () => {
    const { outbox, state, ids } = scene(() => true);
    await outbox.complete(decision);
    state.now = start + 1000;
    await outbox.complete(decision);
    expect(ids()).toEqual(['m-1', 'd-1-lapsed']);
  });
});
