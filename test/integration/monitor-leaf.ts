import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { nodeBundle, writeBundle } from '../../cli/pki/bundle.ts';
import { leafNatsConfig } from '../../cli/services/nats-config.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { ensureLeafStreams } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Telemetry, telemetrySchema } from '../../lib/contract/telemetry.ts';
import { createLogger } from '../../lib/logger.ts';
import { type NodeConfig, nodeConfigSchema, tlsFiles } from '../../lib/node-config.ts';
import { parseJson } from '../../lib/parse.ts';
import { freePort, startNatsServer } from '../helpers/nats-server.ts';
import { eventually } from './lab-helpers.ts';

export interface Received {
  id: string | undefined;
  subject: string;
  message: Telemetry;
}

/** The leaf of `edge-1` with its real certificates and rights, but without a hub. */
export interface MonitorLeaf {
  dir: string;
  port: number;
  /** Folder with the node's certificates. */
  pki: string;
  /** Everything that the leaf's stream holds, in its order. */
  received: Received[];
  stop(): Promise<void>;
  start(): Promise<void>;
  /** The first message, from `from` on, that `check` accepts. */
  until(check: (message: Telemetry) => boolean, options?: { from?: number; deadlineMs?: number }): Promise<Telemetry>;
  close(): Promise<void>;
}

/** Serves at `address` of this machine and at the loopback; `overrides` go into the server's configuration. */
export async function startMonitorLeaf(address = '127.0.0.1', overrides: object = {}): Promise<MonitorLeaf> {
  const dir = await mkdtemp(join(tmpdir(), 'godwit-monitor-'));
  const port = await freePort();
  const config = leafConfig(address, port);
  await createAuthority(dir, systemClock);
  await writeBundle(dir, nodeBundle(config, {}), await loadAuthority(dir, systemClock));
  const pki = join(dir, 'edge-1');
  const folders = { pki, store: join(dir, 'store'), logFile: join(dir, 'nats.log') };
  const natsConfig = { ...withoutHub(config, folders), ...overrides };
  let server = await startNatsServer(dir, natsConfig, port);
  const log = createLogger('test', { level: 'silent' });
  const servers = [`tls://127.0.0.1:${port}`];
  const connection = await connectBus({ servers, user: 'leaf.edge', tls: tlsFiles(pki, 'nats'), log });
  await ensureLeafStreams(connection);
  const received: Received[] = [];
  const done = new AbortController();
  const reading = collect(await jetstreamManager(connection), received, done.signal);
  return {
    dir,
    port,
    pki,
    received,
    stop: () => server.stop(),
    start: async () => {
      server = await startNatsServer(dir, natsConfig, port);
    },
    until: (check, { from = 0, deadlineMs = 20_000 } = {}) =>
      eventually(async () => received.slice(from).find(({ message }) => check(message))?.message, deadlineMs),
    close: async () => {
      done.abort();
      await reading;
      await connection.close();
      await server.stop();
      await rm(dir, { recursive: true });
    },
  };
}

const leafConfig = (address: string, port: number): NodeConfig =>
  nodeConfigSchema.parse({
    name: 'edge-1',
    site: 'edge',
    tier: 'edge',
    address,
    nats: { servers: [`tls://${address}:${port}`], leaf: { listen: { port }, hub: 'tls://192.0.2.1:7422' } },
  });

/** The product's configuration, except that the leaf's supervisor may read the stream, too. */
function withoutHub(config: NodeConfig, folders: { pki: string; store: string; logFile: string }): object {
  const members = [{ name: 'edge-1', site: 'edge', attached: 'own-leaf' as const }];
  const { leafnodes: _hub, ...natsConfig } = leafNatsConfig(config, members, folders);
  const accounts = natsConfig.accounts as Record<string, { users?: { user: string; permissions: object }[] }>;
  const users = Object.values(accounts).flatMap((account) => account.users ?? []);
  const supervisor = users.find(({ user }) => user === 'CN=leaf.edge');
  if (!supervisor) throw new Error('the leaf has no supervisor');
  supervisor.permissions = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } };
  return natsConfig;
}

/** Asks for one message after the other: unlike a consumer, that goes on at once when the server has been away. */
async function collect({ streams }: JetStreamManager, into: Received[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const stored = await streams.getMessage('TELEMETRY', { seq: into.length + 1 }).catch(() => null);
    if (stored) into.push(received(stored));
    else await delay(20);
  }
}

function received(stored: StoredMsg): Received {
  const message = parseJson(telemetrySchema, stored.data, stored.subject);
  return { id: stored.header.get('Nats-Msg-Id'), subject: stored.subject, message };
}
