import { rename, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decidedMove } from '../../decider/fixtures.ts';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { publish } from '../../lib/bus/publish.ts';
import type { Decision } from '../../lib/contract/decision.ts';
import { decisionSubject } from '../../lib/subjects.ts';
import {
  ask,
  commandsOf,
  decisionsOf,
  type FakeNode,
  fakeNode,
  type Hub,
  leads,
  policyFile,
  publishEvent,
  publishSample,
  quickPolicy,
  sampleOf,
  startHub,
  until,
  writeRecord,
} from './decider-helpers.ts';

const mebibyte = 2 ** 20;
let hub: Hub;
beforeEach(async () => {
  hub = await startHub();
});
afterEach(async () => {
  await hub.close();
});

/** edge-1 with 4 cores carries 3.6: trainer 1.7, api 1.9; cloud-1 is empty. */
async function hotSite(): Promise<FakeNode[]> {
  const edge = fakeNode('edge-1', 'edge');
  edge.workloads.set('trainer', { cores: 1.7, memoryBytes: 512 * mebibyte, home: 'edge-1' });
  edge.workloads.set('api', { cores: 1.9, memoryBytes: 1024 * mebibyte, home: 'edge-1' });
  const cloud = fakeNode('cloud-1', 'cloud', 8);
  await writeRecord(hub, edge);
  await writeRecord(hub, cloud);
  return [cloud, edge];
}

const commandsAtLeast = (count: number, nodes: FakeNode[] = []) =>
  until(
    `${count} commands`,
    async () => {
      const commands = await commandsOf(hub);
      return commands.length >= count && commands;
    },
    { hub, nodes },
  );

/** A few rounds of samples: enough for the hold to fire several times. */
async function rounds(nodes: FakeNode[], count = 12): Promise<void> {
  for (let round = 0; round < count; round++) {
    await until('a round', async () => true, { hub, nodes });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const lastStay = async (): Promise<Decision | undefined> =>
  (await decisionsOf(hub)).filter(({ verdict }) => verdict === 'stay').at(-1);

describe('a hot node', () => {
  test('sheds the cheapest workload that covers the excess, and says why', async () => {
    const nodes = await hotSite();
    await hub.decider({ policyFile: await policyFile(hub, quickPolicy()) });
    const [command] = await commandsAtLeast(1, nodes);
    expect(command).toMatchObject({ workload: 'trainer', source: 'edge-1', target: 'cloud-1', epoch: 1 });
    const decision = (await decisionsOf(hub)).find((one) => one.migration === command?.id);
    expect(decision?.sentence).toMatch(
      /^trainer moves from edge-1 to cloud-1: CPU of edge-1 stood at 90 % for .* \(trigger 80 %\)/,
    );
    expect(decision?.reports.map(({ stage }) => stage)).toEqual([
      'signals',
      'overload',
      'victim',
      'target',
      'cost',
      'budget',
    ]);
  });

  test('gets its workload back when the load has gone', async () => {
    const nodes = await hotSite();
    const [cloud, edge] = nodes as [FakeNode, FakeNode];
    const policy = quickPolicy('  budgets: { migrationCooldown: 1s, minMigrationInterval: 1s }');
    await hub.decider({ policyFile: await policyFile(hub, policy) });
    const [command] = await commandsAtLeast(1, nodes);
    if (!command) throw new Error('no command');
    cloud.workloads.set('trainer', { cores: 0.5, memoryBytes: 512 * mebibyte, home: 'edge-1' });
    edge.workloads.delete('trainer');
    edge.workloads.set('api', { cores: 0.5, memoryBytes: 1024 * mebibyte, home: 'edge-1' });
    await writeRecord(hub, cloud);
    await writeRecord(hub, edge);
    await publishEvent(hub, command, { result: 'succeeded' });
    const commands = await commandsAtLeast(2, nodes);
    expect(commands[1]).toMatchObject({ workload: 'trainer', source: 'cloud-1', target: 'edge-1', trigger: 'return' });
  });
});

describe('leadership', () => {
  test('one of two leads; when it dies the other does, in a higher term, and nothing is commanded twice', async () => {
    const nodes = await hotSite();
    await policyFile(hub, quickPolicy());
    await (await openPolicyBucket(hub.connection)).write('current', quickPolicy());
    const [first, second] = [await hub.decider(), await hub.decider()];
    const leader = await until('a leader', async () =>
      [first, second].find(({ decider }) => decider.epoch() !== undefined),
    );
    const standby = leader === first ? second : first;
    await commandsAtLeast(1, nodes);
    await rounds(nodes);
    expect(standby.decider.epoch()).toBeUndefined();
    await leader.kill();
    expect(await leads(standby)).toBe(2);
    await rounds(nodes);
    expect(await commandsOf(hub)).toHaveLength(1);
    expect((await ask(hub, { workload: 'api' })).ok).toBe(true);
    expect((await commandsOf(hub)).map(({ workload, epoch }) => ({ workload, epoch }))).toEqual([
      { workload: 'trainer', epoch: 1 },
      { workload: 'api', epoch: 2 },
    ]);
  });

  test('given up on a stop is taken at once', async () => {
    const first = await hub.decider({ leaseMs: 600_000 });
    await leads(first);
    const second = await hub.decider({ leaseMs: 600_000 });
    await first.stop();
    expect(await leads(second)).toBe(2);
  });

  test('is not claimed by one that is cut off from the server', async () => {
    const one = await hub.decider();
    await leads(one);
    await hub.stopServer();
    await until('stepping down', async () => one.decider.epoch() === undefined);
  });
});

describe('after a restart', () => {
  test('a workload still rests from its last move, and nobody else is taken for it', async () => {
    const nodes = await hotSite();
    const first = await hub.decider({ policyFile: await policyFile(hub, quickPolicy()) });
    const [command] = await commandsAtLeast(1, nodes);
    if (!command) throw new Error('no command');
    await publishEvent(hub, command, { result: 'rolled-back', reason: 'the link was cut' });
    await first.stop();
    const edge = nodes[1] as FakeNode;
    const api = edge.workloads.get('api');
    if (api) api.facts = { migrate: false };
    await writeRecord(hub, edge);
    await hub.decider({ policyFile: await policyFile(hub, quickPolicy()) });
    const stay = await until('a stay', lastStay, { hub, nodes });
    expect(stay.reports.at(-1)?.candidates).toContainEqual(
      expect.objectContaining({ name: 'trainer', reason: expect.stringMatching(/^it rests for another 1[45] min/) }),
    );
    expect(await commandsOf(hub)).toHaveLength(1);
  });

  test.each([
    ['completed: the command is published once, in the new term', 0, 1],
    ['recorded as lapsed, once, when it has expired', 61_000, 0],
  ])('a decision left without its command is %s', async (_, ageMs, expected) => {
    await hotSite();
    const decision = { ...decidedMove, id: 'd-left', at: Date.now() - ageMs, migration: 'm-left' };
    await publish(hub.js, decisionSubject('site-edge-1', 'edge-1'), decision, { id: decision.id });
    const first = await hub.decider();
    expect(await leads(first)).toBe(5);
    const second = await hub.decider();
    await first.kill();
    await leads(second);
    const commands = await commandsOf(hub);
    expect(commands.map(({ id, decision: behind, epoch }) => ({ id, behind, epoch }))).toEqual(
      expected === 1 ? [{ id: 'm-left', behind: 'd-left', epoch: 5 }] : [],
    );
    const lapsed = (await decisionsOf(hub)).filter((one) => one.lapsed !== undefined);
    expect(lapsed.map(({ verdict, lapsed: migration }) => ({ verdict, migration }))).toEqual(
      expected === 1 ? [] : [{ verdict: 'stay', migration: 'm-left' }],
    );
  });
});

describe('policy', () => {
  const statusIs = (state: string) =>
    until(`status ${state}`, async () => {
      const status = await (await openPolicyBucket(hub.connection)).readStatus();
      return status?.state === state && status;
    });

  test('a bad edit of the file changes nothing and says what is wrong; a good one, by rename, counts at once', async () => {
    const nodes = await hotSite();
    const file = await policyFile(hub, quickPolicy('  paused: true'));
    await leads(await hub.decider({ policyFile: file }));
    const before = await statusIs('in-force');
    await writeFile(file, quickPolicy('  pausd: 1\n  dryRun: 7'));
    const rejected = await statusIs('rejected');
    expect(rejected.faults.map(({ path }) => path)).toEqual(['spec.dryRun', 'spec.pausd']);
    expect(rejected.inForce.version).toBe(before.version);
    await rounds(nodes);
    expect(await commandsOf(hub)).toEqual([]);
    expect((await lastStay())?.reports.at(-1)).toMatchObject({ stage: 'budget', summary: 'the policy is paused' });
    await writeFile(`${file}.new`, quickPolicy());
    await rename(`${file}.new`, file);
    await commandsAtLeast(1, nodes);
    expect((await statusIs('in-force')).faults).toEqual([]);
    await writeFile(file, 'kind: [');
    await statusIs('rejected');
  });

  test('put into the bucket it counts as well; a bad one is refused, and survived by a restart', async () => {
    const nodes = await hotSite();
    const bucket = await openPolicyBucket(hub.connection);
    const first = await hub.decider();
    await leads(first);
    await bucket.write('current', quickPolicy('  paused: true'));
    await until('in force', async () => (await bucket.readStatus())?.inForce.name === 'quick');
    await bucket.write('current', 'kind: [');
    expect((await statusIs('rejected')).faults[0]).toMatchObject({ line: 1 });
    await first.stop();
    const second = await hub.decider();
    await leads(second);
    await rounds(nodes);
    expect((await lastStay())?.policy.name).toBe('quick');
    expect(await commandsOf(hub)).toEqual([]);
  });

  test('dryRun recommends and commands nothing', async () => {
    const nodes = await hotSite();
    await hub.decider({ policyFile: await policyFile(hub, quickPolicy('  dryRun: true')) });
    const decision = await until('a recommendation', async () => (await decisionsOf(hub))[0], { hub, nodes });
    await rounds(nodes);
    expect(decision).toMatchObject({ verdict: 'migrate', workload: 'trainer', dryRun: true });
    expect(await decisionsOf(hub)).toHaveLength(1);
    expect(await commandsOf(hub)).toEqual([]);
  });
});

test('malformed and oversized messages are counted and stop nothing', async () => {
  const nodes = await hotSite();
  const running = await hub.decider({ policyFile: await policyFile(hub, quickPolicy()) });
  const subject = 'telemetry.v1.site-edge-1.edge-1';
  const [, edge] = nodes as [FakeNode, FakeNode];
  const bad = [
    { nonsense: true },
    { ...sampleOf(edge), cpu: { usageCores: -1, capacityCores: 4 } },
    { ...sampleOf(edge), containers: Array(1001).fill({ workload: 'a', cpuCores: 0, memoryBytes: 0 }) },
    { ...sampleOf(edge), boot: 'x'.repeat(700_000) },
    { ...sampleOf(edge), node: 'edge-2' },
  ];
  for (const [index, message] of bad.entries()) await publish(hub.js, subject, message, { id: `bad-${index}` });
  await publish(hub.js, 'migration.v1.x.event.m.ended', { nonsense: true }, { id: 'bad-event' });
  await publish(hub.js, 'decision.v1.x.y', [], { id: 'bad-decision' });
  hub.connection.publish(subject, '{ not json');
  await commandsAtLeast(1, nodes);
  const metrics = await running.decider.metrics.registry.metrics();
  expect(metrics).toContain('godwit_decider_samples_total{outcome="rejected"} 6');
  expect(metrics).toContain('godwit_decider_rejected_messages_total{stream="EVENTS"} 1');
  expect(metrics).toContain('godwit_decider_rejected_messages_total{stream="DECISIONS"} 1');
});

test('samples that come twice are folded once', async () => {
  const nodes = await hotSite();
  const running = await hub.decider({ policyFile: await policyFile(hub, quickPolicy('  paused: true')) });
  await leads(running);
  const sample = sampleOf(nodes[1] as FakeNode);
  for (const key of ['', '/again', '/and-again']) await publishSample(hub, sample, key);
  const counted = 'godwit_decider_samples_total{outcome="repeated"} 2';
  await until('repeats', async () => (await running.decider.metrics.registry.metrics()).includes(counted));
});

describe('people who ask', () => {
  test('get a move, past thresholds and cool-down, and a decision that says so', async () => {
    const nodes = await hotSite();
    await leads(await hub.decider({ policyFile: await policyFile(hub, quickPolicy('  paused: true')) }));
    await rounds(nodes, 1);
    const reply = await ask(hub, { workload: 'api', target: 'cloud-1', strategy: 'cold' });
    if (!reply.ok) throw new Error(reply.error.message);
    expect(reply.decision).toMatchObject({ trigger: 'manual', workload: 'api', strategy: 'cold' });
    expect(await commandsOf(hub)).toMatchObject([{ id: reply.decision.migration, trigger: 'manual' }]);
    expect((await decisionsOf(hub)).map(({ id }) => id)).toContain(reply.decision.id);
    expect(await ask(hub, { workload: 'api' })).toMatchObject({ ok: false, error: { code: 'E_BUSY' } });
    const both = await Promise.all([ask(hub, { workload: 'trainer' }), ask(hub, { workload: 'trainer' })]);
    expect(both.map(({ ok }) => ok).sort()).toEqual([false, true]);
  });

  test('get an answer and no command on a dry run', async () => {
    const nodes = await hotSite();
    await leads(await hub.decider({ policyFile: await policyFile(hub, quickPolicy('  paused: true')) }));
    await rounds(nodes, 1);
    const reply = await ask(hub, { workload: 'api', dryRun: true });
    expect(reply).toMatchObject({ ok: true, decision: { dryRun: true, target: 'cloud-1' } });
    expect(await commandsOf(hub)).toEqual([]);
    expect((await decisionsOf(hub)).filter(({ trigger }) => trigger === 'manual')).toEqual([]);
  });

  test('hear what is wrong with their request', async () => {
    await leads(await hub.decider());
    expect(await ask(hub, { workload: 'nobody' })).toMatchObject({ ok: false, error: { code: 'E_UNKNOWN_WORKLOAD' } });
    expect(await ask(hub, { workload: 'api', strategy: 'beam' })).toMatchObject({
      ok: false,
      error: { code: 'E_INPUT', message: expect.stringMatching(/^request: strategy: /) },
    });
  });
});
