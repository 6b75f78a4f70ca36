import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { ensureHubStreams } from '../../lib/bus/streams.ts';
import { freePort, natsServerBinary, startNatsServer } from '../../test/helpers/nats-server.ts';
import {
  describeMachine,
  firstLine,
  machineSeconds,
  percentile,
  processorSeconds,
  residentBytes,
} from '../shared/machine.ts';
import { type Fleet, nameOf, recordOf } from './fleet.ts';

/**
 * Sample published → command published, and the decider's memory, through a real nats-server without TLS. The publisher plays the
 * monitors and the migrators in a process of its own; the latency counts from the sample that
 * a decision names to the arrival of its command.
 */
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    containers: { type: 'string', default: '30' },
    'per-second': { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
    out: { type: 'string', default: 'bench/results/decider.json' },
  },
});
const fleet: Fleet = { nodes: Number(values.nodes), clouds: 50, containers: Number(values.containers) };
const perSecond = Number(values['per-second']);
const warmUpMs = 15_000;
const durationMs = Number(values.seconds) * 1000;

const policy = `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: bench }
spec:
  signals: { timeConstant: 1ms, nodeMetricExpirationSeconds: 3600 }
  overload: { anomalyCondition: { consecutiveAbnormalities: 2, consecutiveNormalities: 1 } }
  victim: { minWorkloadAge: 0s }
  budgets:
    parallelMigrationsPerCluster: 1000
    parallelInboundMigrationsPerNode: 1000
    minMigrationInterval: 1s
    migrationCooldown: 1s
    maxMigrationCooldown: 1s
`;

/** The small nursery keeps V8 from letting the heap grow to twice what lives in it. */
const deciderFlags = ['--max-semi-space-size=4'];

const child = (flags: string[], role: string, argument: string, stdio: StdioOptions): ChildProcess =>
  spawn(process.execPath, [...flags, 'bench/decider.ts', role, argument], { stdio });

async function prepare(connection: NatsConnection): Promise<void> {
  await ensureHubStreams(connection);
  await (await openPolicyBucket(connection)).write('current', policy);
  const nodes = await new Kvm(jetstream(connection)).open('nodes');
  for (let index = 0; index < fleet.nodes; index++)
    await nodes.put(nameOf(fleet, index), JSON.stringify(recordOf(fleet, index)));
}

function startPublisher(url: string): ChildProcess {
  const load = { url, fleet, perSecond, warmUpMs, durationMs, hotPerSecond: 50 };
  return child([], 'publisher', JSON.stringify(load), ['ignore', 'pipe', 'inherit']);
}

async function outputOf(publisher: ChildProcess): Promise<{ sent: number; latencies: number[] }> {
  if (!publisher.stdout) throw new Error('the publisher has no output');
  return JSON.parse(await text(publisher.stdout)) as { sent: number; latencies: number[] };
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** Cores used by each process over `ms`, and by everybody else: a result counts only where that is little. */
async function watchCores(pids: Record<string, number>, ms: number): Promise<Record<string, number>> {
  const read = () => [machineSeconds(), ...Object.values(pids).map(processorSeconds)];
  const before = read();
  await delay(ms);
  const [all = 0, ...own] = read().map((seconds, index) => (seconds - (before[index] ?? 0)) / (ms / 1000));
  const others = all - own.reduce((sum, cores) => sum + cores, 0);
  const named = Object.keys(pids).map((name, index) => [name, hundredths(own[index] ?? 0)]);
  return { ...Object.fromEntries(named), others: hundredths(others) };
}

const folder = await mkdtemp(join(tmpdir(), 'godwit-bench-'));
const port = await freePort();
const url = `nats://127.0.0.1:${port}`;
const machine = describeMachine({ natsServer: firstLine(await natsServerBinary(), ['--version']) });
const config = {
  listen: `127.0.0.1:${port}`,
  jetstream: { store_dir: folder, domain: 'hub' },
  logfile: join(folder, 'log'),
};
const server = await startNatsServer(folder, config, port);
const connection = await connect({ servers: url });
await prepare(connection);
const decider = child(deciderFlags, 'decider', url, 'inherit');
const pidOf = (process: ChildProcess): number => process.pid ?? 0;
try {
  await delay(5000);
  const publisher = startPublisher(url);
  const output = outputOf(publisher);
  await delay(warmUpMs);
  const pids = { decider: pidOf(decider), natsServer: pidOf(server.process), publisher: pidOf(publisher) };
  const coresUsed = await watchCores(pids, durationMs - 1000);
  const deciderBytes = residentBytes(pids.decider);
  const { sent, latencies } = await output;
  latencies.sort((a, b) => a - b);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(latencies, share));
  const result = {
    machine,
    load: { ...fleet, perSecond, seconds: durationMs / 1000, sent },
    commands: latencies.length,
    sampleToCommandMs: { p50, p99, max },
    deciderBytes,
    deciderFlags,
    coresUsed,
    targets: { p50Ms: 2, p99Ms: 10, bytes: 300e6 },
  };
  await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  decider.kill('SIGKILL');
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
