import { jetstream } from '@nats-io/jetstream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../lib/bus/kv.ts';
import { systemClock } from '../../lib/clock.ts';
import type { AgentReply, Verb } from '../../lib/contract/agent.ts';
import type { SagaState, SagaStep } from '../../lib/contract/saga.ts';
import { createLogger } from '../../lib/logger.ts';
import { Announcer } from '../../migrator/driver/announcer.ts';
import { NodeClocks } from '../../migrator/driver/clocks.ts';
import { drive } from '../../migrator/driver/drive.ts';
import { Journal } from '../../migrator/driver/journal.ts';
import { begin } from '../../migrator/saga/begin.ts';
import { modelCommand, modelContext } from '../../migrator/saga/model/fixtures.ts';
import { createDriverWorld, type DriverWorld } from '../helpers/driver-world.ts';

// One drive by itself, without the watch of the bucket: what the journal and the agents' answers tell has to be enough.
let world: DriverWorld;
let stop: AbortController;
beforeEach(async () => {
  stop = new AbortController();
  world = await createDriverWorld();
});
afterEach(async () => {
  stop.abort(new Error('test is over'));
  await world.close();
});

const never = new Promise<never>(() => {});
const id = modelCommand.id;
const asked = (): Verb[] => [...world.edge.asked, ...world.cloud.asked].map(({ verb }) => verb);

/** Whatever is under way to an agent has arrived, several times over. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 10; round++) await world.connection.flush();
}

async function startDrive(store: Store<SagaState>): Promise<void> {
  const { connection, migrations } = world;
  const patience = {
    clock: systemClock,
    random: Math.random,
    log: createLogger('test', { level: 'silent' }),
    signal: stop.signal,
  };
  const claim = { command: modelCommand, sequence: 1, driver: 'cloud-1', at: Date.now() };
  const first = begin(claim, modelContext);
  const revision = await migrations.create(id, first.state);
  await drive(first, {
    ...patience,
    connection,
    clocks: new NodeClocks(),
    context: modelContext,
    enduranceMs: 60_000,
    cancelled: never,
    superseded: never,
    journal: new Journal(id, revision, { ...patience, store, onCancel: () => {} }),
    announcer: new Announcer(jetstream(connection), 'site-1', patience),
  });
}

/** The bucket, but the write of `step` arrives only once `release` is called. */
function slowStore(step: SagaStep): { store: Store<SagaState>; reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const update: Store<SagaState>['update'] = async (key, value, revision) => {
    if (value.step === step) {
      reached.resolve();
      await released.promise;
    }
    return world.migrations.update(key, value, revision);
  };
  return { store: { ...world.migrations, update }, reached: reached.promise, release: released.resolve };
}

test('an agent’s word that the term is over is checked, and stops the driver', async () => {
  const usurp = async (): Promise<AgentReply> => {
    const stored = await world.migrations.get(id);
    if (stored) await world.migrations.update(id, { ...stored.value, term: 2, driver: 'edge-9' }, stored.revision);
    return { ok: false, at: Date.now(), error: { code: 'E_STALE', message: 'term 1 is over' } };
  };
  world.edge.fault = (verb) => (verb === 'freeze' ? usurp() : undefined);
  await expect(startDrive(world.migrations)).rejects.toMatchObject({ code: 'E_STALE' });
  expect(asked()).not.toContain('abort');
});

test('nothing is stopped before that is stored', async () => {
  const { store, reached, release } = slowStore('freeze');
  const driven = startDrive(store);
  await reached;
  await quiet();
  expect(asked()).not.toContain('freeze');
  release();
  await driven;
  expect(asked()).toContain('freeze');
});

test('inside the freeze one question may overtake the store, the next waits for it', async () => {
  const { store, reached, release } = slowStore('restore');
  const driven = startDrive(store);
  await reached;
  await world.until('restore is asked meanwhile', () => (asked().includes('restore') ? true : undefined));
  await world.until('the answer is back', () => (world.target.copy === 'held' ? true : undefined));
  await quiet();
  expect(asked()).not.toContain('commit');
  release();
  await driven;
  expect(asked()).toContain('commit');
});
