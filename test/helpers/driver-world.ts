import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { openStore, type Store } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { commandConsumer, ensureHubStreams } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Command, type MigrationEvent, migrationEventSchema } from '../../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema } from '../../lib/contract/node.ts';
import { type SagaState, sagaStateSchema } from '../../lib/contract/saga.ts';
import { createLogger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';
import { commandSubject } from '../../lib/subjects.ts';
import { startDriver } from '../../migrator/driver/driver.ts';
import { defaultLimits } from '../../migrator/saga/limits.ts';
import { ModelSource, ModelTarget } from '../../migrator/saga/model/agents.ts';
import type { Limits } from '../../migrator/saga/types.ts';
import { freePort, startNatsServer } from './nats-server.ts';
import { type ScriptedAgent, serveScriptedAgent } from './scripted-agent.ts';

const testLeaseMs = 1500;
const log = createLogger('driver-test', { level: process.env.GODWIT_TEST_LOG ?? 'silent' });

export interface TestDriver {
  node: string;
  /** As `kill -9`: its connection is gone at once, nothing is given back. */
  kill(): Promise<void>;
  /** As SIGTERM: what it works on is given back. */
  close(): Promise<void>;
}

/** A real hub server with its streams, two scripted agents, and drivers that can be killed. */
export interface DriverWorld {
  connection: NatsConnection;
  migrations: Store<SagaState>;
  source: ModelSource;
  target: ModelTarget;
  edge: ScriptedAgent;
  cloud: ScriptedAgent;
  startDriver(node: string, budgets?: Partial<Limits['budgetMs']>, enduranceMs?: number): Promise<TestDriver>;
  /** Publishes a command, from `edge-1` to `cloud-1` unless said otherwise; `message` tells repeats apart. */
  command(id: string, change?: Partial<Command>, message?: string): Promise<void>;
  events(id: string): Promise<MigrationEvent[]>;
  /** What drivers were the first to tell. */
  told: MigrationEvent[];
  /** Waits until `check` gives something, at most 20 s. */
  until<T>(what: string, check: () => Promise<T | undefined> | T | undefined): Promise<T>;
  ended(id: string): Promise<MigrationEvent>;
  /** Commands that no driver has finished. */
  commandsLeft(): Promise<number>;
  /** Waits until there are none. */
  idle(): Promise<void>;
  /** Asks to cancel in the way the command line does: compare-and-set on the stored state. */
  cancel(id: string): Promise<void>;
  /** `kill -9` of the server, and a new one on its data. */
  restartServer(): Promise<void>;
  close(): Promise<void>;
}

const nodeRecord = (name: string, site: string, tier: 'edge' | 'cloud'): NodeRecord => ({
  name,
  site,
  tier,
  address: '127.0.0.1',
  engines: ['runc'],
  versions: {},
  capacity: { cores: 1, memoryBytes: 1 << 30 },
  uplinkBytesPerSecond: 1e9,
  workloads: [],
  updatedAt: Date.now(),
});

export async function createDriverWorld(options: { skewMs?: number } = {}): Promise<DriverWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-driver-'));
  const port = await freePort();
  const config = { host: '127.0.0.1', port, jetstream: { store_dir: folder, domain: 'hub' } };
  let server = await startNatsServer(folder, config, port);
  const connectHere = (): Promise<NatsConnection> =>
    connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const connection = await connectHere();
  await ensureHubStreams(connection);
  const manager = await jetstreamManager(connection);
  await manager.consumers.update('COMMANDS', commandConsumer, { ack_wait: testLeaseMs * 1_000_000 });
  const nodes = await openStore(connection, 'nodes', nodeRecordSchema, log);
  await nodes.put('edge-1', nodeRecord('edge-1', 'site-1', 'edge'));
  await nodes.put('cloud-1', nodeRecord('cloud-1', 'cloud', 'cloud'));
  const migrations = await openStore(connection, 'migrations', sagaStateSchema, log);
  const source = new ModelSource();
  const target = new ModelTarget();
  const edge = serveScriptedAgent(connection, 'edge-1', source, options.skewMs);
  const cloud = serveScriptedAgent(connection, 'cloud-1', target);
  const drivers: TestDriver[] = [];
  const told: MigrationEvent[] = [];

  const until: DriverWorld['until'] = async (what, check) => {
    const end = Date.now() + 20_000;
    for (;;) {
      const found = await check();
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
      await delay(15);
    }
  };
  const events = async (id: string): Promise<MigrationEvent[]> => {
    const stream = await manager.streams.get('EVENTS');
    const found: MigrationEvent[] = [];
    const { state } = await stream.info();
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
      const message = await stream.getMessage({ seq });
      if (message) found.push(parseJson(migrationEventSchema, message.data, message.subject));
    }
    return found.filter((event) => event.id === id);
  };
  const commandsLeft = async (): Promise<number> => (await manager.streams.info('COMMANDS')).state.messages;
  return {
    connection,
    migrations,
    source,
    target,
    edge,
    cloud,
    events,
    told,
    until,
    startDriver: async (node, budgets = {}, enduranceMs = 60_000) => {
      const own = await connectHere();
      const stop = new AbortController();
      const limits: Limits = { ...defaultLimits, budgetMs: { ...defaultLimits.budgetMs, ...budgets } };
      const driver = startDriver({
        connection: own,
        node,
        clock: systemClock,
        random: Math.random,
        log,
        signal: stop.signal,
        leaseMs: testLeaseMs,
        limits,
        enduranceMs,
        onTold: (event) => told.push(event),
      });
      let killed: Promise<void> | undefined;
      const kill = (): Promise<void> => {
        killed ??= own.close().then(() => {
          stop.abort(new Error('killed'));
          return driver.close();
        });
        return killed;
      };
      const running = { node, kill, close: async () => driver.close() };
      drivers.push(running);
      return running;
    },
    command: async (id, change = {}, message = id) => {
      const command: Command = {
        id,
        workload: 'trainer',
        source: 'edge-1',
        target: 'cloud-1',
        strategy: 'auto',
        trigger: 'manual',
        decision: `decision-${id}`,
        epoch: 1,
        issuedAt: Date.now(),
        expiresAt: Date.now() + 60_000,
        ...change,
      };
      await publish(jetstream(connection), commandSubject('site-1', id), command, { id: message });
    },
    ended: (id) => until(`${id} has ended`, async () => (await events(id)).find(({ stage }) => stage === 'ended')),
    commandsLeft,
    idle: async () => {
      await until('every command is finished', async () => ((await commandsLeft()) === 0 ? true : undefined));
    },
    cancel: async (id) => {
      const stored = await migrations.get(id);
      if (stored) await migrations.update(id, { ...stored.value, cancelRequested: true }, stored.revision);
    },
    restartServer: async () => {
      await server.stop('SIGKILL');
      server = await startNatsServer(folder, config, port);
      await until('the connection is back', () => connection.rtt().catch(() => undefined));
    },
    close: async () => {
      await Promise.all(drivers.map(({ kill }) => kill()));
      await connection.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
