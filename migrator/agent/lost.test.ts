import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { AgentContext } from './context.ts';
import type { WorkloadHost } from './host.ts';
import { targetJournal } from './journal.fixtures.ts';
import { openJournals } from './journal.ts';
import { startAnew } from './lost.ts';

/** An agent with a lost copy, which calls `start` to start the workload from its files. */
async function withLostCopy(start: () => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-lost-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const paths = { state: folder, run: folder, runcRoot: folder };
  const journals = await openJournals(paths, () => 0);
  const journal = targetJournal({ lost: true, runningAt: 1 });
  await journals.save(journal);
  const host = { target: { startAnew: start } } as unknown as WorkloadHost;
  const context = { ...({ boot: 'boot' } as AgentContext), paths, journals, clock: systemClock, host };
  const onDisk = async () => (await openJournals(paths, () => 0)).get('m-1');
  return { context, journal, onDisk };
}

test('while a lost workload is started anew, and from then on, it counts as whole: nobody stops it', async () => {
  const seen: unknown[] = [];
  const { context, journal, onDisk } = await withLostCopy(async () => void seen.push(await onDisk()));
  expect(await startAnew(context, journal)).toMatchObject({ drained: true });
  expect(seen).toMatchObject([{ lost: false, lazy: false, startingAnew: true }]);
  expect(await onDisk()).toMatchObject({ lost: false, lazy: false });
  expect(await onDisk()).not.toHaveProperty('startingAnew');
  await startAnew(context, journal);
  expect(seen).toHaveLength(1);
});

test('asked again by who does not know whether it was started, it is started', async () => {
  let starts = 0;
  const { context, journal } = await withLostCopy(async () => {
    if (++starts === 1) throw new Error('the agent ends here');
  });
  await expect(startAnew(context, journal)).rejects.toThrow('ends here');
  await startAnew(context, journal);
  expect(starts).toBe(2);
});

test('what can not be started from its files stays lost', async () => {
  const { context, journal, onDisk } = await withLostCopy(async () => {
    throw new GodwitError('E_RECORD', 'no image here');
  });
  await expect(startAnew(context, journal)).rejects.toMatchObject({ code: 'E_RECORD' });
  expect(await onDisk()).toMatchObject({ lost: true, lazy: true });
  expect(await onDisk()).not.toHaveProperty('startingAnew');
});
