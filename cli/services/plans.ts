import { join, resolve } from 'node:path';
import { ensureHubStreams, ensureLeafStreams, sourceSites } from '../../lib/bus/streams.ts';
import type { HubConfig, NodeConfig } from '../../lib/node-config.ts';
import { hubNatsConfig, leafNatsConfig, leafSites } from './nats-config.ts';
import type { ServiceSpec } from './service.ts';
import type { Plan } from './supervise.ts';

const checkout = resolve(import.meta.dirname, '../..');

/** A part of Godwit as a process of its own. */
const part = (name: string, configFile: string): ServiceSpec => ({
  name,
  command: [process.execPath, join(checkout, name, 'main.ts'), '--config', configFile],
});

const folders = (config: { pki: string; stateDir: string; runDir: string }) => ({
  pki: config.pki,
  store: join(config.stateDir, 'nats'),
  logFile: join(config.runDir, 'nats.log'),
});

const reachable = ({ host, port }: { host: string; port: number }): string =>
  `tls://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;

export function hubPlan(config: HubConfig, configFile: string, binary: string): Plan {
  return {
    runDir: config.runDir,
    nats: {
      binary,
      pki: config.pki,
      configFile: join(config.runDir, 'nats.json'),
      configure: (nodes) => hubNatsConfig(config, nodes, folders(config)),
      ensureStreams: ensureHubStreams,
      settle: (connection, nodes) => sourceSites(connection, leafSites(nodes)),
      url: reachable(config.nats.listen),
      user: 'hub',
      role: 'hub',
      system: { user: 'nats.hub', role: 'nats' },
    },
    services: [{ ...part('decider', configFile), raised: true }],
  };
}

/** `binary` finds the NATS server; it is asked for only where one is run. */
export async function agentPlan(config: NodeConfig, configFile: string, binary: () => Promise<string>): Promise<Plan> {
  const { leaf } = config.nats;
  return {
    runDir: config.runDir,
    ...(leaf && {
      nats: {
        binary: await binary(),
        pki: config.pki,
        configFile: join(config.runDir, 'nats.json'),
        configure: (nodes) => leafNatsConfig(config, nodes, folders(config)),
        ensureStreams: ensureLeafStreams,
        url: reachable(leaf.listen),
        user: `leaf.${config.site}`,
        role: 'nats',
      },
    }),
    services: [{ ...part('monitor', configFile), raised: true }, part('migrator', configFile)],
  };
}
