import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CalmNotes, calmNotesSchema } from '../../decider/calm-notes.ts';
import { openStore, type Store } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import type { Command } from '../../lib/contract/migration.ts';
import { createLogger } from '../../lib/logger.ts';
import { commandSubject } from '../../lib/subjects.ts';
import {
  commandsOf,
  decisionsOf,
  type FakeNode,
  fakeNode,
  type Hub,
  leads,
  policyFile,
  publishSample,
  quickPolicy,
  sampleOf,
  startHub,
  until,
  writeRecord,
} from './decider-helpers.ts';

const gibibyte = 2 ** 30;
let hub: Hub;
beforeEach(async () => {
  hub = await startHub();
});
afterEach(async () => {
  await hub.close();
});

const silent = createLogger('test', { level: 'silent' });

/** trainer of edge-1 is at cloud-1; both are calm. */
async function awayFromHome(): Promise<FakeNode[]> {
  const edge = fakeNode('edge-1', 'edge');
  edge.workloads.set('api', { cores: 0.5, memoryBytes: gibibyte, home: 'edge-1' });
  const cloud = fakeNode('cloud-1', 'cloud', 8);
  cloud.workloads.set('trainer', { cores: 0.5, memoryBytes: gibibyte, home: 'edge-1' });
  await writeRecord(hub, edge);
  await writeRecord(hub, cloud);
  return [cloud, edge];
}

describe('a decider that starts alone', () => {
  test('reads samples no farther back than the detectors look', async () => {
    const started = Date.now();
    await leads(await hub.decider());
    const consumers = await (await jetstreamManager(hub.connection, viaHub())).consumers.list('TELEMETRY').next();
    const [from] = consumers.map(({ config }) => Date.parse(config.opt_start_time ?? ''));
    // five intervals of 10 s: the hold, and the samples that may be missing
    expect(started - Number(from)).toBeLessThanOrEqual(50_000);
    expect(started - Number(from)).toBeGreaterThan(40_000);
  });

  /** Both nodes send a sample for each second of `from` to `to`, by their clocks. */
  const sendSeconds = async (nodes: FakeNode[], from: number, to: number): Promise<void> => {
    for (let at = from; at <= to; at += 1000)
      for (const node of nodes) await publishSample(hub, sampleOf(node, at, 1000));
  };

  /** 40 s of calm, noted by a decider that is gone now, and the samples of the last 4; then again calm until now, 60 s in all. */
  async function restarted(forget: (notes: Store<CalmNotes>) => Promise<void>): Promise<void> {
    const nodes = await awayFromHome();
    const policy = quickPolicy().replace('stabilizationWindowSeconds: 1', 'stabilizationWindowSeconds: 60');
    const file = await policyFile(hub, policy);
    const first = await hub.decider({ policyFile: file, leaseMs: 2000 });
    await leads(first);
    const from = Date.now() - 61_000;
    await sendSeconds(nodes, from, from + 40_000);
    const notes = await openStore(hub.connection, 'calm', calmNotesSchema, silent);
    const noted = await until(
      'a note',
      async () => {
        const [note] = (await notes.get('edge-1'))?.value ?? [];
        return note && note.until >= from + 40_000 && note;
      },
      { timeoutMs: 25_000 },
    );
    expect(noted).toMatchObject({ workload: 'trainer', node: 'cloud-1', since: from });
    await first.kill();
    await forget(notes);
    await (await jetstreamManager(hub.connection, viaHub())).streams.purge('TELEMETRY', { keep: 8 });
    await leads(await hub.decider({ policyFile: file, leaseMs: 2000 }));
    await sendSeconds(nodes, from + 41_000, Date.now());
  }

  test('brings home what a predecessor has seen to be calm, though its samples are no longer read', async () => {
    await restarted(async () => undefined);
    const [command] = await until('a command', async () => {
      const commands = await commandsOf(hub);
      return commands.length > 0 && commands;
    });
    expect(command).toMatchObject({ workload: 'trainer', source: 'cloud-1', target: 'edge-1', trigger: 'return' });
  });

  test('waits for the whole window where nothing was noted', async () => {
    await restarted((notes) => notes.delete('edge-1'));
    const stay = await until('a decision of the second', async () =>
      (await decisionsOf(hub)).findLast(({ epoch }) => epoch === 2),
    );
    expect(stay.reports.at(-1)).toMatchObject({ stage: 'return', terms: { reason: 'not-calm', windowMs: 60_000 } });
    expect(await commandsOf(hub)).toEqual([]);
  });
});

describe('whatever is killed', () => {
  /** Edge nodes of 3.6 of 4 cores, and one cloud node that has room for all. */
  async function hotFleet(count: number): Promise<FakeNode[]> {
    const cloud = { ...fakeNode('cloud-1', 'cloud', 1000), memoryBytes: 1000 * gibibyte };
    const edges = Array.from({ length: count }, (_, index) => {
      const edge = fakeNode(`edge-${index}`, 'edge');
      for (const [kind, cores] of [
        ['trainer', 1.7],
        ['api', 1.9],
      ] as const)
        edge.workloads.set(`${kind}-${index}`, { cores, memoryBytes: gibibyte, home: edge.name });
      return edge;
    });
    for (const node of [cloud, ...edges]) await writeRecord(hub, node);
    return [cloud, ...edges];
  }
  const wide = quickPolicy('  budgets: { parallelMigrationsPerCluster: 1000, parallelInboundMigrationsPerNode: 1000 }');
  const sample = async (nodes: FakeNode[]): Promise<void> => {
    await Promise.all(nodes.map((node) => publishSample(hub, sampleOf(node))));
  };

  test('a command whose decision was lost with the server is known, recorded and not repeated', async () => {
    const nodes = await hotFleet(1);
    const now = Date.now();
    const command: Command = {
      id: 'm-lost',
      workload: 'trainer-0',
      source: 'edge-0',
      target: 'cloud-1',
      strategy: 'auto',
      trigger: 'overload',
      decision: 'd-lost',
      epoch: 4,
      issuedAt: now,
      expiresAt: now + 60_000,
    };
    await publish(hub.js, commandSubject('site-edge-0', command.id), command, { id: command.id });
    await leads(await hub.decider({ policyFile: await policyFile(hub, wide) }));
    for (let round = 0; round < 12; round++) await sample(nodes);
    const [behind, ...more] = await until('its record', async () => {
      const decisions = await decisionsOf(hub);
      return decisions.length > 0 && decisions;
    });
    expect(more).toEqual([]);
    expect(behind).toMatchObject({ id: 'd-lost', migration: 'm-lost', site: 'site-edge-0', workload: 'trainer-0' });
    expect(await commandsOf(hub)).toEqual([command]);
  });

  test.each([
    ['the server', true, false],
    ['the server and the leader at once', true, true],
    ['the leader', false, true],
  ])('%s, in a burst: each hot node has one command, each command its decision', async (_, server, leader) => {
    const nodes = await hotFleet(40);
    const file = await policyFile(hub, wide);
    const first = await hub.decider({ policyFile: file });
    await leads(first);
    for (let round = 0; round < 3; round++) await sample(nodes);
    // the burst is under way
    if (server) await hub.stopServer();
    if (leader) await first.kill();
    if (server) await hub.startServer();
    if (leader) await hub.decider({ policyFile: file });
    const commands = await until(
      'commands',
      async () => {
        await sample(nodes).catch(() => undefined);
        const found = await commandsOf(hub).catch(() => []);
        return found.length >= 40 && found;
      },
      { timeoutMs: 30_000 },
    );
    const decided = new Set(
      (
        await until('decisions', async () => {
          const decisions = (await decisionsOf(hub)).filter(({ migration }) => migration !== undefined);
          return decisions.length >= 40 && decisions;
        })
      ).map(({ migration }) => migration),
    );
    expect(new Set(commands.map(({ source }) => source)).size).toBe(40);
    expect(commands).toHaveLength(40);
    expect(commands.filter(({ id }) => !decided.has(id))).toEqual([]);
    expect(decided.size).toBe(40);
  });
});
