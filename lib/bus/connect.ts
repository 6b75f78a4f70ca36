import { readFile } from 'node:fs/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { toGodwitError } from '../errors.ts';
import type { Logger } from '../logger.ts';

export interface BusOptions {
  servers: string[];
  /** NATS user and connection name, such as `monitor.edge-1`; also names the private inbox. */
  user: string;
  /** Paths of PEM files; absent only against a server without TLS. */
  tls?: { ca: string; cert: string; key: string };
  log: Logger;
  signal?: AbortSignal;
  /** Throws E_BUS when no server answers within this time, instead of waiting for one; for people who wait at a prompt. */
  firstAnswerMs?: number;
}

/** Inbox prefix that the server's permissions grant to `user` alone. */
export const inboxPrefix = (user: string): string => `_INBOX_${user.replaceAll('.', '_')}`;

/**
 * Connects and never gives up: waits for a server that is not there yet, reconnects for ever. A core message published while
 * disconnected is dropped by the client, so whatever matters goes through JetStream.
 */
export async function connectBus(options: BusOptions): Promise<NatsConnection> {
  const tls = options.tls && {
    ca: await readFile(options.tls.ca, 'utf8'),
    cert: await readFile(options.tls.cert, 'utf8'),
    key: await readFile(options.tls.key, 'utf8'),
  };
  try {
    const connection = await connect({
      servers: options.servers,
      name: options.user,
      inboxPrefix: inboxPrefix(options.user),
      maxReconnectAttempts: -1,
      waitOnFirstConnect: options.firstAnswerMs === undefined,
      ...(options.firstAnswerMs !== undefined && { timeout: options.firstAnswerMs }),
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      reconnectJitterTLS: 100,
      pingInterval: 5000,
      maxPingOut: 2,
      ...(tls && { tls }),
    });
    void logStatus(connection, options.log);
    return connection;
  } catch (error) {
    throw toGodwitError(error, 'E_BUS', `connecting to ${options.servers.join(', ')}`);
  }
}

async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'reconnect' || status.type === 'error')
      log.info({ status: status.type }, 'bus status');
  }
}
