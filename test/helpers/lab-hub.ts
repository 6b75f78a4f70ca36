import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { labStart } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import type { LabStatus } from '../../lab/status.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemExec } from '../../lib/exec.ts';
import { createLogger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { until } from './until.ts';

export interface LabHub {
  servers: string[];
  /** Folder with the certificates of decider, operator and controller. */
  pki: string;
  /** As a node's migrator. */
  connectMigrator(node: string): Promise<NatsConnection>;
  close(): Promise<void>;
}

/** `godwit hub` on the lab's hub with certificates in `folder`, and no agent anywhere: the test plays those of `nodes`. */
export async function startLabHub(lab: LabStatus, folder: string, nodes: readonly string[]): Promise<LabHub> {
  const hub = lab.nodes.find(({ kind }) => kind === 'hub');
  if (hub?.root === undefined) throw new Error('the hub does not run');
  const { address } = hub;
  const pki = (...args: string[]) =>
    systemExec(join(labSettings().checkout, 'bin/godwit'), ['pki', ...args, '--dir', folder]);
  await pki('init');
  await pki('hub', '--address', address);
  for (const [index, name] of nodes.entries())
    await pki('node', name, '--site', 'central', '--tier', 'cloud', '--address', `192.0.2.${index + 1}`);
  await cp(join(folder, 'hub'), join(hub.root, 'etc/godwit'), { recursive: true });
  await labStart(lab.name, hub.name, ['godwit', 'hub'], { name: 'hub' });

  const servers = [`tls://${address}:4222`];
  const log = createLogger('test', { level: 'fatal' });
  const open: NatsConnection[] = [];
  const connectMigrator = async (node: string): Promise<NatsConnection> => {
    const tls = tlsFiles(join(folder, node), 'migrator');
    const connection = await connectBus({ servers, user: `migrator.${node}`, tls, log });
    open.push(connection);
    return connection;
  };
  const [first = ''] = nodes;
  const probe = await connectMigrator(first);
  await until('the hub to have its streams', 60_000, async () => {
    const reply = await probe.request('$JS.API.CONSUMER.INFO.COMMANDS.migrators', '', { timeout: 1000 });
    return 'error' in reply.json<object>() ? undefined : true;
  });
  return {
    servers,
    pki: join(folder, 'hub'),
    connectMigrator,
    close: async () => {
      await Promise.allSettled(open.map((connection) => connection.close()));
    },
  };
}
