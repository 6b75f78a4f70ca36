import { resolve } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../../lib/bus/connect.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import type { Logger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { type Member, readRoster, rosterFile } from '../pki/roster.ts';
import { loadedConfig, remakeLeafLinks } from './leaf-links.ts';
import type { NatsConfig } from './nats-config.ts';
import type { Service } from './service.ts';

const lookEveryMs = 1000;
const systemAnswerMs = 5000;

export interface NatsRole {
  /** Folder of nodes.yaml and the certificates. */
  pki: string;
  /** Where the server's configuration is written. */
  configFile: string;
  configure(nodes: readonly Member[]): NatsConfig;
  /** Makes streams and buckets what they have to be, as the supervisor's user. */
  ensureStreams(connection: NatsConnection): Promise<void>;
  /** What depends on other machines; returns those that are not there yet, to be tried again. */
  settle?(connection: NatsConnection, nodes: readonly Member[]): Promise<string[]>;
  /** The server's own user in its system account, where leaves link to it: their links are made anew when rights have changed. */
  system?: { user: string; role: string };
  /** The supervisor's own way in. */
  url: string;
  user: string;
  role: string;
}

/** Answers whether the file has changed. @throws E_CONFIG */
export async function writeNatsConfig(nats: NatsRole): Promise<boolean> {
  const text = `${JSON.stringify(nats.configure(await readRoster(nats.pki)), null, 2)}\n`;
  if ((await readIfPresent(nats.configFile)) === text) return false;
  await writeDurably(nats.configFile, text);
  return true;
}

export interface FollowTools {
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/**
 * Keeps server and streams in step with nodes.yaml until `signal` is aborted; calls `ready` with its connection when they first are. A
 * faulty file is logged, and the last good one holds. `stale`: the server may run on an older configuration than the file's.
 */
export async function followRoster(
  nats: NatsRole,
  server: Service,
  { stale, ready, ...tools }: FollowTools & { stale: boolean; ready: (connection: NatsConnection) => void },
): Promise<void> {
  const { clock, log, signal } = tools;
  const tls = tlsFiles(nats.pki, nats.role);
  const connection = await connectBus({ servers: [nats.url], user: nats.user, tls, log, signal });
  signal.addEventListener('abort', () => void connection.close(), { once: true });
  const path = resolve(nats.pki, rosterFile);
  let reloadDue = stale;
  let applied: string | undefined;
  let missing: string[] = [];
  for (; !signal.aborted; await clock.sleep(lookEveryMs, { signal }).catch(() => undefined)) {
    const text = await readIfPresent(path);
    const isNew = text !== applied;
    if (!isNew && missing.length === 0) continue;
    try {
      if (isNew) await reconfigure(nats, server, connection, { reloadDue, ...tools });
      missing = (await nats.settle?.(connection, await readRoster(nats.pki))) ?? [];
      reloadDue = false;
      applied = text;
      if (isNew || missing.length === 0) log.info({ missing }, 'server and streams know the nodes');
      ready(connection);
    } catch (error) {
      reloadDue = true;
      if (!signal.aborted) log.error({ reason: messageOf(error) }, 'nodes could not be applied; trying again');
    }
  }
}

async function reconfigure(
  nats: NatsRole,
  server: Service,
  connection: NatsConnection,
  tools: FollowTools & { reloadDue: boolean },
): Promise<void> {
  const changed = await writeNatsConfig(nats);
  if (changed || tools.reloadDue) await reload(nats, server, tools);
  await nats.ensureStreams(connection);
}

async function reload(nats: NatsRole, server: Service, { clock, log }: FollowTools): Promise<void> {
  if (!nats.system) {
    await server.signal('SIGHUP');
    return;
  }
  const { user, role } = nats.system;
  const tls = tlsFiles(nats.pki, role);
  const system = await connectBus({ servers: [nats.url], user, tls, log, firstAnswerMs: systemAnswerMs }).catch(
    async (error: unknown) => {
      await server.signal('SIGHUP'); // a server from before this user was introduced; the next attempt is let in
      throw error;
    },
  );
  try {
    const before = await loadedConfig(system);
    await server.signal('SIGHUP');
    log.info({ links: await remakeLeafLinks(system, before, clock) }, 'leaves take their new rights');
  } finally {
    await system.close();
  }
}
