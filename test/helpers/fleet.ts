import { randomBytes } from 'node:crypto';
import { access, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { buildApps } from '../../apps/build.ts';
import { openAuthority } from '../../cli/pki/authority.ts';
import { type Fleet, type FleetSpec, fleetUp } from '../../lab/fleet.ts';
import type { OpenAuthority } from '../../lab/kubernetes/certificates.ts';
import { type Cluster, clusterSpec, clusterUp } from '../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { podEngine } from '../../lab/kubernetes/worker.ts';
import { labDown, labExec } from '../../lab/lab.ts';
import { ensureRoot } from '../../lab/root.ts';
import { labSettings } from '../../lab/settings.ts';
import type { Bind, NodeSpec } from '../../lab/spec.ts';
import type { LabStatus, NodeStatus } from '../../lab/status.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type Logger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { ociConfig } from '../../lib/oci-config.ts';
import { followEvents, type Story } from './fleet-story.ts';

export type FleetNode = NodeStatus & { pid: number; root: string };

/** Real nodes with hub, leaf, monitors, migrators and decider, as a person would set them up. */
export interface TestFleet {
  name: string;
  lab: LabStatus;
  /** What people connect as. */
  operator: NatsConnection;
  story: Story;
  log: Logger;
  /** Folder of operator.yaml, on this machine. */
  config: string;
  /** Empty without a cluster. */
  kubeconfig: string;
  node(name: string): FleetNode;
  /** Every node that can run workloads. */
  workers: FleetNode[];
  /** Runs a program in a node to its end and returns its output. */
  exec(node: string, argv: readonly string[], timeoutMs?: number): Promise<string>;
  /** Connects as another of the fleet's users, such as `decider`. */
  connect(user: 'decider' | 'hub' | 'controller'): Promise<NatsConnection>;
  /** The same with the certificates of a node's migrator. */
  connectMigrator(node: string): Promise<NatsConnection>;
  addressOf(last: number): string;
  /** Copies the services' logs to the folder of GODWIT_TEST_LOGS, if there is one; returns where they are. */
  keepLogs(): Promise<string>;
  down(): Promise<void>;
}

export interface TestFleetOptions {
  nodes: NodeSpec[];
  policy: string;
  monitorMs?: number;
  nodeConfig?: Record<string, unknown>;
  /** Folders of this machine that every node sees. */
  binds?: Bind[];
  /** With a Kubernetes cluster beside Godwit's services, and agents that know pods; `controllers`: and what follows the cluster's objects. */
  cluster?: boolean | 'controllers';
}

/** Raises a fleet with a name of its own; nothing of it stays when that fails. */
export async function raiseFleet(options: TestFleetOptions): Promise<TestFleet> {
  const name = `e2e-${randomBytes(4).toString('hex')}`;
  try {
    return await raise(name, options);
  } catch (error) {
    await labDown(name);
    throw error;
  }
}

type Raise = (spec: FleetSpec) => Promise<{ fleet: Fleet; cluster?: Cluster }>;

const raisers: Record<'bare' | 'cluster' | 'controllers', Raise> = {
  bare: async (spec) => ({ fleet: await fleetUp(spec) }),
  cluster: async ({ policy, nodeConfig, ...spec }) => {
    const full = await clusterSpec(spec);
    const fleet = await fleetUp({
      ...full,
      ...(policy !== undefined && { policy }),
      nodeConfig: { ...podEngine, ...nodeConfig },
    });
    return { fleet, cluster: await clusterUp(full, authority) };
  },
  controllers: (spec) => clusterFleetUp(spec, authority),
};

const authority: OpenAuthority = (folder) => openAuthority(folder, systemClock);

async function raise(name: string, options: TestFleetOptions): Promise<TestFleet> {
  const { nodes, policy, monitorMs = 500, nodeConfig = {} } = options;
  const binds = [{ source: await bundlesFolder(), target: '/opt/bundles' }, ...(options.binds ?? [])];
  const spec = { name, nodes, binds, policy, nodeConfig: { monitor: { intervalMs: monitorMs }, ...nodeConfig } };
  const {
    fleet: { lab, operator: config },
    cluster,
  } = await raisers[options.cluster === 'controllers' ? 'controllers' : options.cluster ? 'cluster' : 'bare'](spec);
  const log = createLogger('test', { level: 'fatal' });
  const hub = lab.nodes.find(({ kind }) => kind === 'hub')?.address ?? '';
  const open: NatsConnection[] = [];
  const connect = async (user: string, folder: string, file: string): Promise<NatsConnection> => {
    const connection = await connectBus({ servers: [`tls://${hub}:4222`], user, tls: tlsFiles(folder, file), log });
    open.push(connection);
    return connection;
  };
  const operator = await connect('operator', config, 'operator');
  const stopped = new AbortController();
  const node = (wanted: string): FleetNode => {
    const found = lab.nodes.find((one) => one.name === wanted);
    if (found?.pid === undefined || found.root === undefined) throw new Error(`${wanted} does not run`);
    return { ...found, pid: found.pid, root: found.root };
  };
  return {
    name,
    lab,
    operator,
    story: followEvents(operator, log, stopped.signal),
    log,
    config,
    kubeconfig: cluster?.kubeconfig ?? '',
    node,
    workers: lab.nodes.filter(({ kind }) => kind !== 'hub').map((worker) => node(worker.name)),
    exec: async (where, argv, timeoutMs = 60_000) => (await labExec(name, where, argv, { timeoutMs })).stdout,
    connect: (user) => connect(user, config, user),
    connectMigrator: (where) => connect(`migrator.${where}`, join(config, '..', where), 'migrator'),
    addressOf: (last) => lab.subnet.replace(/\.0\/24$/, `.${last}`),
    keepLogs: () => keepLogs(name, lab.nodes),
    down: async () => {
      stopped.abort();
      await Promise.allSettled(open.map((connection) => connection.close()));
      await labDown(name);
    },
  };
}

/** Where `make setup` puts the bundles; what is missing there is built. */
export async function bundlesFolder(): Promise<string> {
  const { cacheDir } = labSettings();
  const folder = process.env.GODWIT_BUNDLES ?? join(cacheDir, 'bundles');
  const wanted = ['counter', 'image-reduction', 'prime-job'];
  const present = await Promise.all(wanted.map((app) => isThere(join(folder, app, 'config.json'))));
  if (present.includes(false))
    await buildApps({
      out: folder,
      root: await ensureRoot(labSettings()),
      only: wanted,
      config: ociConfig,
      log: (line) => process.stderr.write(`${line}\n`),
    });
  return folder;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Copies what the services have said to the folder of GODWIT_TEST_LOGS, if there is one; answers where it is. */
export async function keepLogs(fleet: string, nodes: readonly NodeStatus[]): Promise<string> {
  const folder = process.env.GODWIT_TEST_LOGS;
  if (!folder) return 'set GODWIT_TEST_LOGS to a folder to keep the logs';
  for (const { name, root } of nodes)
    await cp(join(root ?? '', 'var/log'), join(folder, fleet, name), { recursive: true }).catch(() => undefined);
  return join(folder, fleet);
}

/** A file of a node, as its programs see it; undefined when there is none. */
export async function readInNode(node: FleetNode, path: string): Promise<string | undefined> {
  try {
    return await readFile(join(node.root, path), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENODEV', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
