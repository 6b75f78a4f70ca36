import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { createDecider, type Decider } from '../../decider/service.ts';
import type { KubeClient } from '../../k8s/client.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { ensureHubStreams, viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Decision, decisionSchema, type MigrateReply, migrateReplySchema } from '../../lib/contract/decision.ts';
import { type Command, commandSchema, type MigrationEvent } from '../../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema, type Workload } from '../../lib/contract/node.ts';
import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import { createLogger } from '../../lib/logger.ts';
import { eventSubject, migrateRequestSubject, telemetrySubject } from '../../lib/subjects.ts';
import { freePort, startNatsServer } from '../helpers/nats-server.ts';

const gibibyte = 2 ** 30;

export const quickPolicy = (spec = ''): string => `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: quick }
spec:
  signals: { timeConstant: 1ms }
  overload: { anomalyCondition: { consecutiveAbnormalities: 3, consecutiveNormalities: 1 } }
  victim: { minWorkloadAge: 0s }
  returnHome: { stabilizationWindowSeconds: 1 }
${spec}`;

export interface Hub {
  dir: string;
  port: number;
  /** As by kill -9; what it has acknowledged stays. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  connection: NatsConnection;
  js: JetStreamClient;
  /** A decider of its own connection; closed with the hub. */
  decider(options?: DeciderChoice): Promise<RunningDecider>;
  close(): Promise<void>;
}

export interface DeciderChoice {
  policyFile?: string;
  leaseMs?: number;
  tag?: string;
  cluster?: KubeClient;
}

export interface RunningDecider {
  decider: Decider;
  /** Ends as on SIGTERM. */
  stop(): Promise<void>;
  /** Its connection is gone from one moment to the next: nothing is given up, nothing is finished. */
  kill(): Promise<void>;
}

export async function startHub(): Promise<Hub> {
  const dir = await mkdtemp(join(tmpdir(), 'godwit-decider-'));
  const port = await freePort();
  const jetstreamConfig = { store_dir: join(dir, 'store'), domain: 'hub' };
  const startServer = () => startNatsServer(dir, { listen: `127.0.0.1:${port}`, jetstream: jetstreamConfig }, port);
  let server = await startServer();
  const log = createLogger('test', { level: process.env.LOG_LEVEL ?? 'silent' });
  const connect = (user: string): Promise<NatsConnection> =>
    connectBus({ servers: [`nats://127.0.0.1:${port}`], user, log });
  const connection = await connect('test');
  await ensureHubStreams(connection);
  const running: RunningDecider[] = [];
  let count = 0;
  const hub: Hub = {
    dir,
    port,
    stopServer: () => server.stop(),
    startServer: async () => {
      server = await startServer();
    },
    connection,
    js: jetstream(connection, viaHub()),
    decider: async ({ policyFile, leaseMs = 600, tag = `t${process.pid}`, cluster } = {}) => {
      const own = await connect(`decider.${++count}`);
      const controller = new AbortController();
      let ids = 0;
      const life = `${tag}-${count}`;
      const decider = await createDecider({
        connection: own,
        holder: life,
        leaseMs,
        policyFile,
        cluster,
        newId: (prefix) => `${prefix}-${life}-${++ids}`,
        clock: systemClock,
        log,
        signal: controller.signal,
      });
      const run = decider.run();
      const one = {
        decider,
        stop: async () => {
          controller.abort();
          await run;
          await own.close();
        },
        kill: async () => {
          await own.close();
          controller.abort();
          await run.catch(() => undefined);
        },
      };
      running.push(one);
      return one;
    },
    close: async () => {
      for (const one of running) await one.stop().catch(() => undefined);
      await connection.close();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return hub;
}

/** A node whose samples and record are written by hand. */
export interface FakeNode {
  name: string;
  site: string;
  tier: 'edge' | 'cloud';
  cores: number;
  memoryBytes: number;
  workloads: Map<string, { cores: number; memoryBytes: number; home: string; facts?: Partial<Workload> }>;
  sequence: number;
  boot: string;
}

export const fakeNode = (name: string, tier: FakeNode['tier'], cores = 4): FakeNode => ({
  name,
  site: tier === 'edge' ? `site-${name}` : 'cloud',
  tier,
  cores,
  memoryBytes: 8 * gibibyte,
  workloads: new Map(),
  sequence: 0,
  boot: `boot-${name}`,
});

export async function writeRecord(hub: Hub, node: FakeNode, more: Partial<NodeRecord> = {}): Promise<void> {
  const store = await openStore(hub.connection, 'nodes', nodeRecordSchema, createLogger('test', { level: 'silent' }));
  await store.put(node.name, { ...recordOf(node), ...more });
}

const recordOf = (node: FakeNode): NodeRecord => ({
  name: node.name,
  site: node.site,
  tier: node.tier,
  address: '127.0.0.1',
  engines: ['runc'],
  versions: {},
  capacity: { cores: node.cores, memoryBytes: node.memoryBytes },
  uplinkBytesPerSecond: 100_000_000,
  workloads: [...node.workloads].map(([name, { home, facts }]) => ({
    name,
    image: 'sha256:0',
    keeps: 'memory',
    strategy: 'auto',
    migrate: true,
    home,
    priority: 0,
    startedAt: 0,
    ...facts,
  })),
  updatedAt: Date.now(),
});

export function sampleOf(node: FakeNode, at = Date.now(), intervalMs = 100): Telemetry {
  const containers: ContainerSample[] = [...node.workloads].map(([workload, { cores, memoryBytes }]) => ({
    workload,
    cpuCores: cores,
    memoryBytes,
  }));
  const usage = (key: 'cpuCores' | 'memoryBytes'): number => containers.reduce((total, one) => total + one[key], 0);
  return {
    site: node.site,
    node: node.name,
    tier: node.tier,
    boot: node.boot,
    sequence: ++node.sequence,
    at,
    intervalMs,
    cpu: { usageCores: usage('cpuCores'), capacityCores: node.cores },
    memory: { usageBytes: usage('memoryBytes'), capacityBytes: node.memoryBytes },
    containers,
  };
}

export async function publishSample(hub: Hub, sample: Telemetry, key = ''): Promise<void> {
  const id = `${sample.site}.${sample.node}.${sample.boot}.${sample.sequence}${key}`;
  await publish(hub.js, telemetrySubject(sample.site, sample.node), sample, { id });
}

export async function publishEvent(hub: Hub, command: Command, event: Partial<MigrationEvent>): Promise<void> {
  const { id, workload, source, target, strategy, trigger, decision, epoch } = command;
  const stage = event.stage ?? 'ended';
  const whole = {
    id,
    workload,
    source,
    target,
    strategy,
    trigger,
    decision,
    epoch,
    term: 1,
    at: Date.now(),
    ...event,
    stage,
  };
  await publish(hub.js, eventSubject(`site-${source}`, id, stage), whole, { id: `${id}.${stage}` });
}

/** Every message of a stream, from its first. */
async function readAll<T>(hub: Hub, stream: string, parse: (value: unknown) => T): Promise<T[]> {
  const manager = await jetstreamManager(hub.connection, viaHub());
  const { state } = await manager.streams.info(stream);
  const found: T[] = [];
  for (let sequence = state.first_seq; state.messages > 0 && sequence <= state.last_seq; sequence++) {
    const message = await manager.streams.getMessage(stream, { seq: sequence });
    if (message) found.push(parse(message.json()));
  }
  return found;
}

export const commandsOf = (hub: Hub): Promise<Command[]> =>
  readAll(hub, 'COMMANDS', (value) => commandSchema.parse(value));
export const decisionsOf = (hub: Hub): Promise<Decision[]> =>
  readAll(hub, 'DECISIONS', (value) => decisionSchema.parse(value));

export async function ask(hub: Hub, request: object): Promise<MigrateReply> {
  const reply = await hub.connection.request(migrateRequestSubject, JSON.stringify(request), { timeout: 5000 });
  return migrateReplySchema.parse(reply.json());
}

export async function policyFile(hub: Hub, text: string): Promise<string> {
  const path = join(hub.dir, 'policy.yaml');
  await writeFile(path, text);
  return path;
}

/** Publishes samples of all nodes, again and again, until `done` gives a value. */
export async function until<T>(
  what: string,
  done: () => Promise<T | undefined | false>,
  options: { hub?: Hub; nodes?: FakeNode[]; timeoutMs?: number } = {},
): Promise<T> {
  const end = Date.now() + (options.timeoutMs ?? 10_000);
  for (;;) {
    for (const node of options.nodes ?? []) if (options.hub) await publishSample(options.hub, sampleOf(node));
    const value = await done();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await systemClock.sleep(30);
  }
}

export const leads = ({ decider }: RunningDecider): Promise<number> => until('leadership', async () => decider.epoch());
