import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { Journal } from '../../migrator/driver/journal.ts';
import { stateAt } from '../../migrator/saga/model/fixtures.ts';
import { createDriverWorld, type DriverWorld } from '../helpers/driver-world.ts';

let world: DriverWorld;
beforeAll(async () => {
  world = await createDriverWorld();
});
afterAll(() => world.close());

/** A driver's journal of the migration `id`, which is at `dump` in term 3, and how often it heard of a request to cancel. */
async function journalOf(id: string): Promise<{ journal: Journal; revision: number; cancels: () => number }> {
  const revision = await world.migrations.create(id, stateAt('dump'));
  let count = 0;
  const journal = new Journal(id, revision, {
    store: world.migrations,
    clock: systemClock,
    random: Math.random,
    log: createLogger('test', { level: 'silent' }),
    signal: new AbortController().signal,
    onCancel: () => {
      count++;
    },
  });
  return { journal, revision, cancels: () => count };
}

test('a request to cancel between two writes is kept, and heard once', async () => {
  const { journal, cancels } = await journalOf('cancelled');
  await world.cancel('cancelled');
  await journal.save(stateAt('restore'));
  await journal.save(stateAt('commit'));
  expect((await world.migrations.get('cancelled'))?.value).toMatchObject({ step: 'commit', cancelRequested: true });
  expect(cancels()).toBe(1);
});

test('a write of a higher term stays: this driver has lost its migration', async () => {
  const { journal, revision } = await journalOf('usurped');
  await world.migrations.update('usurped', stateAt('restore', { term: 4, driver: 'edge-9' }), revision);
  await expect(journal.save(stateAt('restore'))).rejects.toMatchObject({ code: 'E_STALE' });
  await expect(journal.confirm(stateAt('restore'))).rejects.toMatchObject({ code: 'E_STALE' });
  expect((await world.migrations.get('usurped'))?.value).toMatchObject({ term: 4, driver: 'edge-9' });
});

test('a restart of a driver on the same node is another driver as well', async () => {
  const { journal, revision } = await journalOf('restarted');
  await world.migrations.update('restarted', stateAt('dump', { term: 4 }), revision);
  await expect(journal.save(stateAt('restore'))).rejects.toMatchObject({ code: 'E_STALE' });
});

test('a write that arrived although its acknowledgement was lost is not taken for somebody else’s', async () => {
  const { journal, revision, cancels } = await journalOf('unacknowledged');
  await world.migrations.update('unacknowledged', stateAt('restore'), revision);
  await journal.save(stateAt('restore'));
  await expect(journal.confirm(stateAt('restore'))).resolves.toBeUndefined();
  expect(cancels()).toBe(0);
});
