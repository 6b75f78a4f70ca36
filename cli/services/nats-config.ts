import { GodwitError } from '../../lib/errors.ts';
import { type HubConfig, hubDomain, type NodeConfig, tlsFiles } from '../../lib/node-config.ts';
import { encodeToken } from '../../lib/subjects.ts';
import type { Member } from '../pki/roster.ts';
import {
  controllerRights,
  deciderRights,
  hubRights,
  leafRights,
  leafSupervisorRights,
  migratorRights,
  monitorRights,
  operatorRights,
  type Place,
  type Rights,
  sidecarRights,
  systemRights,
} from './nats-rights.ts';

const account = 'GODWIT';

/** The subset of nats-server's configuration that we use; JSON is a valid form of its files. */
export type NatsConfig = Record<string, unknown>;

interface User {
  user: string;
  permissions: object;
  allowed_connection_types: string[];
}

/** Certificates name their user: `verify_and_map` compares the subject, in the form of RFC 2253, with `user`. */
const user = (name: string, rights: Rights, connection: 'STANDARD' | 'LEAFNODE' = 'STANDARD'): User => ({
  user: `CN=${name}`,
  permissions: {
    publish: { allow: rights.publish },
    subscribe: { allow: rights.subscribe },
    // the largest transfer has to end before its answer is due
    ...(rights.answers && { allow_responses: { max: 1, expires: '1h' } }),
  },
  allowed_connection_types: [connection],
});

const componentsOf = (member: Member, place: Place): User[] => [
  user(`monitor.${member.name}`, monitorRights(member.name, member.site)),
  user(`sidecar.${member.name}`, sidecarRights(member.name, member.site)),
  user(`migrator.${member.name}`, migratorRights(place, member.name)),
];

interface Folders {
  pki: string;
  /** Folder of the streams. */
  store: string;
  logFile: string;
}

const tls = (pki: string): object => {
  const { ca, cert, key } = tlsFiles(pki, 'nats');
  return { ca_file: ca, cert_file: cert, key_file: key, timeout: 5 };
};

/** What both servers share; the short timers notice a cut uplink after some 2 s instead of 30. */
const common = (
  folders: Folders,
  listen: { host: string; port: number },
  users: User[],
  systemUsers: User[] = [],
): NatsConfig => ({
  listen: `${listen.host}:${listen.port}`,
  tls: { ...tls(folders.pki), verify_and_map: true },
  accounts: { [account]: { jetstream: 'enabled', users }, SYS: { users: systemUsers } },
  system_account: 'SYS',
  max_payload: 1 << 20,
  ping_interval: '1s',
  ping_max: 2,
  write_deadline: '2s',
  log_file: folders.logFile,
  logfile_size_limit: 16 << 20,
});

/** Configuration of the hub's server for all known nodes. */
export function hubNatsConfig(config: HubConfig, nodes: readonly Member[], folders: Folders): NatsConfig {
  const { listen, leafListen } = config.nats;
  const users = [
    user('hub', hubRights),
    user('decider', deciderRights),
    user('operator', operatorRights),
    user('controller', controllerRights),
    ...nodes.filter(({ attached }) => attached === 'hub').flatMap((node) => componentsOf(node, 'hub')),
    ...leafSites(nodes).map((site) => leafUser(site, nodes)),
  ];
  return {
    server_name: hubDomain,
    ...common(folders, listen, users, [user('nats.hub', systemRights)]),
    jetstream: { store_dir: folders.store, domain: hubDomain, max_memory_store: 64 << 20, max_file_store: 4 * 2 ** 30 },
    leafnodes: {
      listen: `${leafListen.host}:${leafListen.port}`,
      // else leaves learn and dial whatever address the server finds on itself
      advertise: `${config.address}:${leafListen.port}`,
      write_deadline: '2s',
      tls: { ...tls(folders.pki), verify_and_map: true },
    },
  };
}

/** Configuration of the server of a site for the nodes there. @throws E_CONFIG when the node runs none */
export function leafNatsConfig(config: NodeConfig, nodes: readonly Member[], folders: Folders): NatsConfig {
  const leaf = config.nats.leaf;
  if (!leaf) throw new GodwitError('E_CONFIG', `node ${config.name} runs no leaf server`);
  const here = nodes.filter(({ site, attached }) => site === config.site && attached !== 'hub');
  return {
    server_name: `${encodeToken(config.site)}-leaf`,
    ...common(folders, leaf.listen, [
      user(`leaf.${config.site}`, leafSupervisorRights(config.site)),
      ...here.flatMap((node) => componentsOf(node, 'leaf')),
    ]),
    jetstream: {
      store_dir: folders.store,
      domain: encodeToken(config.site),
      max_memory_store: 16 << 20,
      max_file_store: 512 << 20,
    },
    leafnodes: {
      reconnect: '500ms',
      write_deadline: '2s',
      // telemetry goes up by the hub sourcing the stream, so that nothing is lost in a cut and nothing arrives twice
      remotes: [{ url: leaf.hub, account, deny_exports: ['telemetry.v1.>'], tls: tls(folders.pki) }],
    },
  };
}

/** Sites with a leaf, each with a JetStream domain to source from. */
export function leafSites(nodes: readonly Member[]): string[] {
  return nodes.filter(({ attached }) => attached === 'own-leaf').map(({ site }) => site);
}

function leafUser(site: string, nodes: readonly Member[]): User {
  const isBehind = (node: Member): boolean => node.site === site && node.attached !== 'hub';
  const behind = nodes.filter(isBehind).map(({ name }) => name);
  const others = nodes.filter((node) => !isBehind(node)).map(({ name }) => name);
  return user(`leaf.${site}`, leafRights(site, behind, others), 'LEAFNODE');
}
