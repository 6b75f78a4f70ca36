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
import { eventually } from './eventually.ts';
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

/** Failures clean up after themselves. */
export async function startSecuredSite(): Promise<SecuredSite> {
  const cleanups: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    return { ...(await start(cleanups)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(cleanups: (() => unknown)[]): Promise<Omit<SecuredSite, 'close'>> {
  const dir = await mkdtemp(join(tmpdir(), 'godwit-site-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const [hubPort, hubLeafPort, leafPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const uplink = await startRelay(hubLeafPort);
  cleanups.push(() => uplink.close());
  const { hubConfig, edge, cloud } = configsOf(hubPort, hubLeafPort, leafPort, uplink.port);
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
  cleanups.push(() => hub.stop());
  const leaf = await startNatsServer(dir, leafNatsConfig(edge, members, placed('edge-1')), leafPort);
  cleanups.push(() => leaf.stop());

  const log = createLogger('test', { level: 'silent' });
  const connect: SecuredSite['connect'] = async (bundle, role, user) => {
    const port = bundle === 'edge-1' ? leafPort : hubPort;
    const tls = tlsFiles(join(dir, bundle), role);
    const servers = [`tls://127.0.0.1:${port}`];
    const connection = await connectBus({ servers, user, tls, log, firstAnswerMs: 10_000 });
    cleanups.push(() => connection.close());
    return connection;
  };
  await ensureLeafStreams(await connect('edge-1', 'nats', 'leaf.edge'));
  const supervisor = await connect('hub', 'hub', 'hub');
  await ensureHubStreams(supervisor);
  await eventually(async () => (await sourceSites(supervisor, leafSites(members))).length === 0, 20_000);
  return { dir, hubPort, leafPort, uplink, hub, leaf, connect };
}

function configsOf(hubPort: number, hubLeafPort: number, leafPort: number, uplinkPort: number) {
  const here = { host: '127.0.0.1' };
  const address = '127.0.0.1';
  return {
    hubConfig: hubConfigSchema.parse({
      address,
      nats: { listen: { ...here, port: hubPort }, leafListen: { ...here, port: hubLeafPort } },
    }),
    edge: nodeConfigSchema.parse({
      ...{ name: 'edge-1', site: 'edge', tier: 'edge', address },
      nats: {
        servers: [`tls://127.0.0.1:${leafPort}`],
        leaf: { listen: { ...here, port: leafPort }, hub: `tls://127.0.0.1:${uplinkPort}` },
      },
    }),
    cloud: nodeConfigSchema.parse({
      ...{ name: 'cloud-1', site: 'cloud', tier: 'cloud', address },
      nats: { servers: [`tls://127.0.0.1:${hubPort}`] },
    }),
  };
}
