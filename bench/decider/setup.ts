import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { ensureHubStreams } from '../../lib/bus/streams.ts';
import { freePort, startNatsServer } from '../../test/helpers/nats-server.ts';
import { type Fleet, nameOf, recordOf } from './fleet.ts';
import type { FleetLog, Load } from './publisher.ts';

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
export const deciderFlags = ['--max-semi-space-size=4'];

const child = (flags: string[], args: string[], stdio: StdioOptions): ChildProcess =>
  spawn(process.execPath, [...flags, 'bench/decider.ts', ...args], { stdio });

export const pidOf = (process: ChildProcess): number => process.pid ?? 0;

export interface BenchHub {
  url: string;
  serverPid: number;
  connection: NatsConnection;
  /** Stops the server and removes all that it stored. */
  stop(): Promise<void>;
}

/** A nats-server without TLS, with the hub's streams, a policy that lets everything through, and the fleet's records. */
export async function startHub(fleet: Fleet): Promise<BenchHub> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-bench-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const config = {
    listen: `127.0.0.1:${port}`,
    jetstream: { store_dir: folder, domain: 'hub' },
    logfile: join(folder, 'log'),
  };
  const server = await startNatsServer(folder, config, port);
  const connection = await connect({ servers: url });
  const stop = async (): Promise<void> => {
    await connection.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await prepare(connection, fleet);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, serverPid: pidOf(server.process), connection, stop };
}

async function prepare(connection: NatsConnection, fleet: Fleet): Promise<void> {
  await ensureHubStreams(connection);
  await (await openPolicyBucket(connection)).write('current', policy);
  const nodes = await new Kvm(jetstream(connection)).open('nodes');
  for (let index = 0; index < fleet.nodes; index++)
    await nodes.put(nameOf(fleet, index), JSON.stringify(recordOf(fleet, index)));
}

export const spawnDecider = (url: string, ...rest: string[]): ChildProcess =>
  child(deciderFlags, ['decider', url, ...rest], 'inherit');

/** Starts the simulated monitors and migrators; `log` is what they have seen, once they have ended. */
export function spawnFleet(load: Load): { process: ChildProcess; log: Promise<FleetLog> } {
  const process = child([], ['publisher', JSON.stringify(load)], ['ignore', 'pipe', 'inherit']);
  if (!process.stdout) throw new Error('the publisher has no output');
  return { process, log: text(process.stdout).then((output) => JSON.parse(output) as FleetLog) };
}
