import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readRoster } from '../../cli/pki/roster.ts';
import { leafNatsConfig } from '../../cli/services/nats-config.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { createLogger } from '../../lib/logger.ts';
import { loadNodeConfig, nodeConfigSchema, tlsFiles } from '../../lib/node-config.ts';
import { eventually } from '../helpers/eventually.ts';
import { godwit } from '../helpers/godwit.ts';
import { startGodwit } from '../helpers/godwit-process.ts';
import { freePort, natsServerBinary, startNatsServer } from '../helpers/nats-server.ts';

const log = createLogger('test', { level: 'silent' });
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it('a node that joins later is answered by nodes behind a leaf that is connected already', async () => {
  const pki = await mkdtemp(join(tmpdir(), 'godwit-links-'));
  cleanups.push(() => rm(pki, { recursive: true, force: true }));
  const [port, leafListen, leafPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const host = '127.0.0.1';
  const dir = ['--dir', pki];
  const addNode = (name: string, site: string, tier: string) =>
    godwit(['pki', 'node', name, '--site', site, '--tier', tier, '--address', host, ...dir]);
  await godwit(['pki', 'init', ...dir]);
  await godwit(['pki', 'hub', '--address', host, ...dir]);
  const nats = { listen: { host, port }, leafListen: { host, port: leafListen } };
  const hubConfig = { address: host, nats, stateDir: join(pki, 'state'), runDir: join(pki, 'run') };
  await writeFile(join(pki, 'hub', 'hub.yaml'), stringify(hubConfig));
  expect(await addNode('edge-1', 'plant', 'edge')).toMatchObject({ exitCode: 0 });
  const hub = await startGodwit(['hub', '--config', join(pki, 'hub')], {
    GODWIT_NATS_SERVER: await natsServerBinary(),
  });
  cleanups.push(() => hub.stop());

  const planned = await loadNodeConfig(join(pki, 'edge-1', 'node.yaml'));
  const leaf = { listen: { host, port: leafPort }, hub: `tls://${host}:${leafListen}` };
  const edge = nodeConfigSchema.parse({ ...planned, nats: { ...planned.nats, leaf } });
  const folders = { pki: join(pki, 'edge-1'), store: join(pki, 'leaf-store'), logFile: join(pki, 'leaf.log') };
  const members = await readRoster(join(pki, 'edge-1'));
  const server = await startNatsServer(pki, leafNatsConfig(edge, members, folders), leafPort);
  cleanups.push(() => server.stop());
  const enter = async (node: string, at: number): Promise<NatsConnection> => {
    const tls = tlsFiles(join(pki, node), 'migrator');
    const entered = await connectBus({
      servers: [`tls://${host}:${at}`],
      user: `migrator.${node}`,
      tls,
      log,
      firstAnswerMs: 2000,
    });
    cleanups.push(() => entered.close());
    return entered;
  };
  const answering = await eventually(() => enter('edge-1', leafPort), 20_000);
  answering.subscribe('node.v1.edge-1.*', { callback: (_, message) => void message.respond('here') });
  await eventually(async () => hub.stderr().includes('server and streams know the nodes'), 30_000);

  expect(await addNode('cloud-1', 'cloud', 'cloud')).toMatchObject({ exitCode: 0 });
  const asking = await eventually(() => enter('cloud-1', port), 20_000);
  const said = await eventually(
    async () => (await asking.request('node.v1.edge-1.status', '', { timeout: 1000 })).string(),
    20_000,
  );
  expect(said).toBe('here');
});
