import { dirname, join, resolve } from 'node:path';
import { ensureHubStreams, ensureLeafStreams, sourceSites } from '../../lib/bus/streams.ts';
import type { HubConfig, NodeConfig } from '../../lib/node-config.ts';
import { hubNatsConfig, leafNatsConfig, leafSites } from './nats-config.ts';
import type { ServiceSpec } from './service.ts';
import type { Plan } from './supervise.ts';

type LeafConfig = NonNullable<NodeConfig['nats']['leaf']>;

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

export const hubParts = ['nats', 'decider', 'controllers'] as const;
export const agentParts = ['nats', 'monitor', 'migrator'] as const;

/** `only`: the parts that run here. `binary` finds the NATS server; it is asked for only where one is run. */
export async function hubPlan(
  config: HubConfig,
  configFile: string,
  binary: () => Promise<string>,
  only: readonly (typeof hubParts)[number][] = hubParts,
): Promise<Plan> {
  return {
    runDir: config.runDir,
    ...(only.includes('nats') && { nats: hubServer(config, await binary()) }),
    services: [
      ...(only.includes('decider') ? [{ ...part('decider', configFile), raised: true }] : []),
      ...(only.includes('controllers') && config.controllers !== undefined
        ? [part('sidecar', resolve(dirname(configFile), config.controllers))]
        : []),
    ],
  };
}

function hubServer(config: HubConfig, binary: string): NonNullable<Plan['nats']> {
  return {
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
  };
}

/** As `hubPlan`. */
export async function agentPlan(
  config: NodeConfig,
  configFile: string,
  binary: () => Promise<string>,
  only: readonly (typeof agentParts)[number][] = agentParts,
): Promise<Plan> {
  const { leaf } = config.nats;
  const services = [{ ...part('monitor', configFile), raised: true }, part('migrator', configFile)];
  return {
    runDir: config.runDir,
    ...(leaf && only.includes('nats') && { nats: leafServer(config, leaf, await binary()) }),
    services: services.filter(({ name }) => (only as readonly string[]).includes(name)),
  };
}

function leafServer(config: NodeConfig, leaf: LeafConfig, binary: string): NonNullable<Plan['nats']> {
  return {
    binary,
    pki: config.pki,
    configFile: join(config.runDir, 'nats.json'),
    configure: (nodes) => leafNatsConfig(config, nodes, folders(config)),
    ensureStreams: ensureLeafStreams,
    url: reachable(leaf.listen),
    user: `leaf.${config.site}`,
    role: 'nats',
  };
}
