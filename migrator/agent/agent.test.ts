import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import type { AddressMover } from '../network/address.ts';
import { createContainerHost, type HostDeps } from '../workloads/host.ts';
import { createAgent } from './agent.ts';
import type { AgentContext } from './context.ts';
import { sourceJournal, targetJournal } from './journal.fixtures.ts';
import { openJournals, type SourceJournal } from './journal.ts';

/** A source whose workload is frozen and has an address; `dropped` is what became of that, each time a pause of the agent has passed. */
async function frozenSource(address: Pick<AddressMover, 'findsTaker'>, more: Partial<SourceJournal> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-agent-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const paths = { state: join(folder, 'state'), run: join(folder, 'run'), runcRoot: join(folder, 'runc') };
  const journals = await openJournals(paths, () => 0);
  const spec = { ...targetJournal().spec, name: 'of-a-test', address: '192.0.2.7' };
  const prepared = { spec, strategy: 'warm' as const, memoryBytes: 0, filesBytes: 0 };
  await journals.save(sourceJournal({ prepared, record: 'open', ...more }));
  const dropped: string[] = [];
  const pauses: Promise<void>[] = [];
  const drop = (_: string, given: string): Promise<void> => {
    dropped.push(given);
    return Promise.resolve();
  };
  const sleep = (): Promise<void> => {
    const over = Promise.resolve();
    pauses.push(over);
    return over;
  };
  const mover: AddressMover = { ...address, take: () => Promise.resolve(), drop };
  const agent = createAgent({
    ...({ paths, journals, boot: 'boot' } as AgentContext),
    address: mover,
    host: createContainerHost({ paths, journals, address: mover } as HostDeps),
    clock: { ...systemClock, sleep },
    log: pino({ level: 'silent' }),
  });
  const header = { migration: 'm-1', epoch: 3, term: 1, deadlineAt: Date.now() + 10_000 };
  return { agent, header, dropped, pauses };
}

test('a source whose address finds its taker gives it up after the commit, without being asked', async () => {
  const { agent, header, dropped } = await frozenSource({ findsTaker: true });
  expect(await agent.ask('commit', header)).toEqual({ record: 'committed' });
  await expect.poll(() => dropped).toEqual(['192.0.2.7']);
  expect(await agent.ask('switch', header)).toEqual({ switched: true });
  expect(dropped).toEqual(['192.0.2.7']);
});

test('any other address is kept until the driver asks', async () => {
  const { agent, header, dropped, pauses } = await frozenSource({ findsTaker: false });
  expect(await agent.ask('commit', header)).toEqual({ record: 'committed' });
  expect(pauses).toEqual([]);
  expect(dropped).toEqual([]);
  await agent.ask('switch', header);
  expect(dropped).toEqual(['192.0.2.7']);
});

test('an aborted record gives nothing up', async () => {
  const { agent, header, dropped } = await frozenSource({ findsTaker: true }, { record: 'aborted' });
  expect(await agent.ask('commit', header)).toEqual({ record: 'aborted' });
  await expect(agent.ask('switch', header)).rejects.toMatchObject({ code: 'E_RECORD' });
  expect(dropped).toEqual([]);
});
