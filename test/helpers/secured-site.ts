import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { createAuthority, loadAuthority } from '../../cli/pki/authority.ts';
import { hubBundle, nodeBundle, writeBundle } from '../../cli/pki/bundle.ts';
import type { Member } from '../../cli/pki/roster.ts';
import { hubNatsConfig, leafNatsConfig, leafSites } from '../../cli/services/nats-config.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { ensureHubStreams, ensureLeafStreams, sourceSites } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { hubConfigSchema, nodeConfigSchema, tlsFiles } from '../../lib/node-config.ts';
import { freePort, startNatsServer, type TestServer } from './nats-server.ts';
import { type Relay, startRelay } from './relay.ts';

/** A hub with `cloud-1`, and the site `edge` with the leaf on `edge-1` behind an uplink that can be cut. */
export interface SecuredSite {
  dir: string;
  hubPort: number;
  leafPort: number;
  uplink: Relay;
  hub: TestServer;
  leaf: TestServer;
  /** Connects with the certificate `role` of a bundle; closed with the site. */
  connect(bundle: 'hub' | 'cloud-1' | 'edge-1', role: string, user: string): Promise<NatsConnection>;
  close(): Promise<void>;
}

const members: Member[] = [
  { name: 'cloud-1', site: 'cloud', attached: 'hub' },
  { name: 'edge-1', site: 'edge', attached: 'own-leaf' },
];

export async function startSecuredSite(): Promise<SecuredSite> {
  const dir = await mkdtemp(join(tmpdir(), 'godwit-site-'));
  const [hubPort, hubLeafPort, leafPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const uplink = await startRelay(hubLeafPort);
  const here = { host: '127.0.0.1' };
  const hubConfig = hubConfigSchema.parse({
    address: '127.0.0.1',
    nats: { listen: { ...here, port: hubPort }, leafListen: { ...here, port: hubLeafPort } },
  });
  const edge = nodeConfigSchema.parse({
    name: 'edge-1',
    site: 'edge',
    tier: 'edge',
    address: '127.0.0.1',
    nats: {
      servers: [`tls://127.0.0.1:${leafPort}`],
      leaf: { listen: { ...here, port: leafPort }, hub: `tls://127.0.0.1:${uplink.port}` },
    },
  });
  const cloud = nodeConfigSchema.parse({
    name: 'cloud-1',
    site: 'cloud',
    tier: 'cloud',
    address: '127.0.0.1',
    nats: { servers: [`tls://127.0.0.1:${hubPort}`] },
  });
  await createAuthority(dir, systemClock);
  const authority = await loadAuthority(dir, systemClock);
  for (const bundle of [hubBundle(hubConfig), nodeBundle(edge, {}), nodeBundle(cloud, {})])
    await writeBundle(dir, bundle, authority);

  const placed = (name: string) => ({
    pki: join(dir, name),
    store: join(dir, `${name}-store`),
    logFile: join(dir, `${name}.log`),
  });
  // the relay is the only way up: the leaf must not learn the hub's own port
  const hubNats = hubNatsConfig(hubConfig, members, placed('hub'));
  const leafnodes = { ...(hubNats.leafnodes as object), advertise: `127.0.0.1:${uplink.port}` };
  const hub = await startNatsServer(dir, { ...hubNats, leafnodes }, hubPort);
  const leaf = await startNatsServer(dir, leafNatsConfig(edge, members, placed('edge-1')), leafPort);

  const log = createLogger('test', { level: 'silent' });
  const connections: NatsConnection[] = [];
  const connect: SecuredSite['connect'] = async (bundle, role, user) => {
    const port = bundle === 'edge-1' ? leafPort : hubPort;
    const tls = tlsFiles(join(dir, bundle), role);
    const connection = await connectBus({ servers: [`tls://127.0.0.1:${port}`], user, tls, log });
    connections.push(connection);
    return connection;
  };
  await ensureLeafStreams(await connect('edge-1', 'nats', 'leaf.edge'));
  const supervisor = await connect('hub', 'hub', 'hub');
  await ensureHubStreams(supervisor);
  for (let silent = leafSites(members); silent.length > 0; ) silent = await sourceSites(supervisor, leafSites(members));
  return {
    dir,
    hubPort,
    leafPort,
    uplink,
    hub,
    leaf,
    connect,
    close: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await leaf.stop();
      await hub.stop();
      uplink.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
