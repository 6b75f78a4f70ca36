import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { listCommands } from '../../decider/queued-commands.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { type Bucket, commandConsumer, viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { writeDurably } from '../../lib/files.ts';
import { createLogger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { eventually } from '../helpers/eventually.ts';
import { type SecuredSite, startSecuredSite } from '../helpers/secured-site.ts';

const log = createLogger('test', { level: 'silent' });
const value = z.object({ n: z.number() });
const denied = /permissions violation/i;

let site: SecuredSite;
let who: Record<
  'monitor' | 'sidecar' | 'edge' | 'cloud' | 'cloudMonitor' | 'decider' | 'operator' | 'controller',
  NatsConnection
>;

beforeAll(async () => {
  site = await startSecuredSite();
  who = {
    monitor: await site.connect('edge-1', 'monitor', 'monitor.edge-1'),
    sidecar: await site.connect('edge-1', 'sidecar', 'sidecar.edge-1'),
    edge: await site.connect('edge-1', 'migrator', 'migrator.edge-1'),
    cloud: await site.connect('cloud-1', 'migrator', 'migrator.cloud-1'),
    cloudMonitor: await site.connect('cloud-1', 'monitor', 'monitor.cloud-1'),
    decider: await site.connect('hub', 'decider', 'decider'),
    operator: await site.connect('hub', 'operator', 'operator'),
    controller: await site.connect('hub', 'controller', 'controller'),
  };
});
afterAll(() => site.close());

const store = (connection: NatsConnection, bucket: Bucket) => openStore(connection, bucket, value, log);
const publish = async (connection: NatsConnection, subject: string): Promise<string> =>
  (await jetstream(connection).publish(subject, '{}', { msgID: subject, timeout: 2000 })).stream;

/** The server answers a forbidden publish on the connection's status, and not where it was tried. */
async function isDenied(connection: NatsConnection, subject: string): Promise<void> {
  await expect(connection.request(subject, '{}', { timeout: 2000 }), subject).rejects.toThrow(denied);
}

async function isDeaf(connection: NatsConnection, subject: string): Promise<void> {
  const fault = new Promise<Error | null>((resolve) => {
    connection.subscribe(subject, { callback: (error) => resolve(error) });
  });
  expect(String(await fault), subject).toMatch(denied);
}

describe('what each has to do works', () => {
  it('monitors publish their own telemetry into a stream', async () => {
    expect(await publish(who.monitor, 'telemetry.v1.edge.edge-1')).toBe('TELEMETRY');
    expect(await publish(who.cloudMonitor, 'telemetry.v1.cloud.cloud-1')).toBe('TELEMETRY');
  });

  it('the decider publishes decisions and commands', async () => {
    expect(await publish(who.decider, 'decision.v1.edge.edge-1')).toBe('DECISIONS');
    expect(await publish(who.decider, 'migration.v1.edge.command.m1')).toBe('COMMANDS');
  });

  it('the decider looks into the queue of commands, and notes how calm it is', async () => {
    const manager = await jetstreamManager(who.decider, viaHub());
    const subject = (await listCommands(manager)).get('m1') ?? '';
    expect(subject).toBe('migration.v1.edge.command.m1');
    expect((await manager.streams.getMessage('COMMANDS', { last_by_subj: subject }))?.subject).toBe(subject);
    expect(await (await store(who.decider, 'calm')).put('edge-1', { n: 1 })).toBe(1);
  });

  it('the controllers of a cluster declare pods, give commands, refuse, and look for samples', async () => {
    expect(await (await store(who.controller, 'pods')).put('edge-1', { n: 1 })).toBe(1);
    expect((await (await store(who.edge, 'pods')).get('edge-1'))?.value).toEqual({ n: 1 });
    expect(await publish(who.controller, 'migration.v1.edge.event.m3.requested')).toBe('EVENTS');
    expect(await publish(who.controller, 'migration.v1.edge.event.m3.ended')).toBe('EVENTS');
    const manager = await jetstreamManager(who.controller, viaHub());
    const subject = 'telemetry.v1.cloud.cloud-1';
    expect((await manager.streams.getMessage('TELEMETRY', { last_by_subj: subject }))?.subject).toBe(subject);
  });

  it('a migrator behind a leaf takes a command, reports, and keeps its state', async () => {
    const consumer = await jetstream(who.edge, viaHub()).consumers.get('COMMANDS', commandConsumer);
    const message = await consumer.next({ expires: 5000 });
    message?.working();
    expect(await message?.ackAck()).toBe(true);
    expect(await publish(who.edge, 'migration.v1.edge.event.m1.freeze')).toBe('EVENTS');
    const migrations = await store(who.edge, 'migrations');
    const first = await migrations.create('m1', { n: 1 });
    await migrations.update('m1', { n: 2 }, first);
    await expect(migrations.update('m1', { n: 9 }, first)).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect((await (await store(who.cloud, 'migrations')).get('m1'))?.value).toEqual({ n: 2 });
  });

  it.each(['edge', 'cloud', 'decider', 'operator'] as const)('%s watches a bucket', async (name) => {
    await (await store(who.edge, 'nodes')).put('edge-1', { n: 1 });
    const abort = new AbortController();
    for await (const entry of (await store(who[name], 'nodes')).watch({ signal: abort.signal })) {
      expect(entry.key).toBe('edge-1');
      break;
    }
  });

  it('the operator reads what happens and asks for more', async () => {
    const js = jetstream(who.operator, viaHub());
    for (const stream of ['DECISIONS', 'EVENTS', 'TELEMETRY'])
      expect(await (await js.consumers.get(stream)).next({ expires: 5000 }), stream).not.toBeNull();
    await (await store(who.operator, 'policy')).put('current', { n: 1 });
    await (await store(who.operator, 'migrations')).put('m1', { n: 3 });
    expect(await publish(who.operator, 'migration.v1.edge.event.m1.ended')).toBe('EVENTS');
  });

  it('agents answer each other and the operator, also across the uplink', async () => {
    answer(who.edge, 'node.v1.edge-1.*');
    answer(who.cloud, 'node.v1.cloud-1.*');
    answer(who.decider, 'decider.v1.migrate');
    for (const [asking, subject] of [
      [who.cloud, 'node.v1.edge-1.freeze'],
      [who.edge, 'node.v1.cloud-1.receive'],
      [who.edge, 'node.v1.edge-1.dump'],
      [who.operator, 'node.v1.edge-1.status'],
      [who.operator, 'node.v1.cloud-1.status'],
      [who.operator, 'node.v1.edge-1.abort'],
      [who.operator, 'node.v1.cloud-1.run'],
      [who.operator, 'decider.v1.migrate'],
    ] as const)
      expect(await ask(asking, subject), subject).toBe(subject);
  });
});

describe('what nobody else may do is refused', () => {
  it('a sidecar tells the monitor of its own node of its pod, and nothing else', async () => {
    const heard = new Promise<string>((resolve) => {
      who.monitor.subscribe('pod.v1.edge.edge-1.*', { callback: (_, message) => resolve(message.subject) });
    });
    await who.monitor.flush();
    who.sidecar.publish('pod.v1.edge.edge-1.u1', '{}');
    expect(await heard).toBe('pod.v1.edge.edge-1.u1');
    for (const subject of ['telemetry.v1.edge.edge-1', 'pod.v1.edge.edge-2.u1', 'node.v1.edge-1.status'])
      await isDenied(who.sidecar, subject);
    await isDeaf(who.sidecar, 'pod.v1.>');
    await isDeaf(who.monitor, 'pod.v1.>');
    await isDenied(who.edge, 'pod.v1.edge.edge-1.u1');
  });

  it('a monitor publishes nothing but its own telemetry, and reads nothing', async () => {
    for (const subject of [
      'migration.v1.edge.command.m2',
      'migration.v1.edge.event.m2.freeze',
      'decision.v1.edge.edge-1',
      'telemetry.v1.edge.edge-2',
      'telemetry.v1.cloud.cloud-1',
      'node.v1.edge-1.freeze',
      'decider.v1.migrate',
      '$JS.hub.API.DIRECT.GET.KV_policy.$KV.policy.current',
      '$JS.hub.API.$KV.policy.current',
    ])
      await isDenied(who.monitor, subject);
    await isDeaf(who.monitor, '>');
    await isDeaf(who.monitor, 'telemetry.v1.>');
    await isDeaf(who.monitor, '_INBOX_migrator_edge-1.>');
  });

  it('a migrator gives no commands, speaks for no other node, and reads no policy', async () => {
    for (const migrator of [who.edge, who.cloud]) {
      await isDenied(migrator, 'migration.v1.edge.command.m2');
      await isDenied(migrator, 'decision.v1.edge.edge-1');
      await isDenied(migrator, 'telemetry.v1.edge.edge-1');
      await isDenied(migrator, 'decider.v1.migrate');
    }
    await isDenied(who.edge, '$JS.hub.API.$KV.nodes.cloud-1');
    await isDenied(who.edge, '$JS.hub.API.STREAM.DELETE.COMMANDS');
    await isDenied(who.edge, '$JS.hub.API.CONSUMER.CREATE.COMMANDS.mine');
    await isDenied(who.edge, '$JS.hub.API.STREAM.INFO.KV_policy');
    await isDenied(who.cloud, '$JS.API.STREAM.INFO.KV_policy');
    await isDenied(who.cloud, '$KV.nodes.edge-1');
    await isDeaf(who.edge, 'node.v1.cloud-1.*');
    await isDeaf(who.cloud, 'node.v1.edge-1.*');
  });

  it('the decider touches no node, and the operator neither stops a workload nor turns a record', async () => {
    for (const verb of ['freeze', 'commit', 'run', 'abort']) await isDenied(who.decider, `node.v1.edge-1.${verb}`);
    for (const verb of ['prepare', 'receive', 'freeze', 'dump', 'restore', 'commit'])
      await isDenied(who.operator, `node.v1.edge-1.${verb}`);
    await isDenied(who.operator, 'migration.v1.edge.command.m2');
    await isDenied(who.operator, '$KV.leases.decider');
    await isDenied(who.decider, '$KV.migrations.m1');
  });

  it('the controllers speak for no node, tell of no stage, and decide nothing', async () => {
    await isDenied(who.controller, 'migration.v1.edge.event.m2.commit');
    await isDenied(who.controller, 'decision.v1.edge.edge-1');
    await isDenied(who.controller, 'node.v1.edge-1.freeze');
    await isDenied(who.controller, '$KV.nodes.edge-1');
    await isDenied(who.controller, '$KV.leases.decider');
  });

  it('the hub’s supervisor only makes streams', async () => {
    const supervisor = await site.connect('hub', 'hub', 'hub');
    await (await jetstreamManager(supervisor)).streams.info('COMMANDS');
    await isDenied(supervisor, '$JS.API.STREAM.DELETE.COMMANDS');
    await isDenied(supervisor, '$JS.API.STREAM.PURGE.EVENTS');
    await isDenied(supervisor, 'migration.v1.edge.command.m2');
  });
});

describe('who may come in', () => {
  it('nobody with a certificate of another authority', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'godwit-strangers-'));
    try {
      await createAuthority(dir, systemClock);
      const { certificate, key } = await (await loadAuthority(dir, systemClock)).issue({ name: 'operator' });
      await writeDurably(join(dir, 'operator.crt'), certificate);
      await writeDurably(join(dir, 'operator.key'), key);
      await cp(join(site.dir, 'hub', 'ca.crt'), join(dir, 'ca.crt'));
      await expect(comeIn(tlsFiles(dir, 'operator'), site.hubPort)).rejects.toMatchObject({ code: 'E_BUS' });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  it.each([
    ['without a certificate', undefined],
    ["with the certificate of a leaf, at the hub's clients", 'nats'],
    ['with that of a page server', 'pages'],
  ])('nobody %s', async (_what, role) => {
    const tls = role && tlsFiles(join(site.dir, 'edge-1'), role);
    await expect(comeIn(tls || undefined, site.hubPort)).rejects.toMatchObject({ code: 'E_BUS' });
  });
});

describe('telemetry across a cut uplink', () => {
  it('arrives whole and once, after the link is back', async () => {
    const manager = await jetstreamManager(who.operator, viaHub());
    const counted = async () => {
      const { state } = await manager.streams.info('TELEMETRY', { subjects_filter: 'telemetry.v1.edge.edge-1' });
      return state.subjects?.['telemetry.v1.edge.edge-1'] ?? 0;
    };
    const send = async (from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n++)
        await jetstream(who.monitor).publish('telemetry.v1.edge.edge-1', String(n), {
          msgID: `cut-${n}`,
          timeout: 2000,
        });
    };
    const before = await eventually(async () => (await counted()) || undefined);
    await send(0, 100);
    await eventually(async () => (await counted()) === before + 100);
    site.uplink.cut();
    await send(100, 200); // never fails: the stream is on this side
    expect(await counted()).toBe(before + 100);
    site.uplink.heal();
    await eventually(async () => (await counted()) === before + 200, 30_000);
    await send(200, 300);
    await eventually(async () => (await counted()) === before + 300);
  });

  it('comes by sourcing alone, never as plain messages', async () => {
    const options = { filter_subjects: 'telemetry.v1.edge.edge-1' };
    const consumer = await jetstream(who.operator, viaHub()).consumers.get('TELEMETRY', options);
    for await (const message of await consumer.fetch({ max_messages: 300, expires: 5000 }))
      expect(message.headers?.get('Nats-Stream-Source'), `message ${message.seq}`).toMatch(/^TELEMETRY:/);
    await isDenied(await site.connect('edge-1', 'monitor', 'monitor.edge-1'), 'telemetry.v1.cloud.cloud-1');
  });
});

function answer(connection: NatsConnection, subject: string): void {
  connection.subscribe(subject, {
    callback: (_error, message) => {
      message.respond(message.subject);
    },
  });
}

/** Asks until the other side's interest has come across. */
const ask = (connection: NatsConnection, subject: string): Promise<string> =>
  eventually(async () => (await connection.request(subject, '', { timeout: 1000 })).string());

const comeIn = (tls: ReturnType<typeof tlsFiles> | undefined, port: number) =>
  connectBus({ servers: [`tls://127.0.0.1:${port}`], user: 'operator', ...(tls && { tls }), log, firstAnswerMs: 2000 });
