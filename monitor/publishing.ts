import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../lib/bus/connect.ts';
import { publish } from '../lib/bus/publish.ts';
import type { Clock } from '../lib/clock.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import type { Logger } from '../lib/logger.ts';
import { type NodeConfig, tlsFiles } from '../lib/node-config.ts';
import { telemetrySubject } from '../lib/subjects.ts';
import { isHopeless, messageId, weight } from './message.ts';
import { createPublisher, type Publisher } from './publisher.ts';

/** Container samples that wait while the server is away: 75 minutes of 110 containers every 10 s. */
const bufferedSamples = 50_000;
const retryMs = 250;
/** The server is on this node, or beside it: a longer silence means that it restarts. */
const publishTimeoutMs = 2000;
/** With one more `publishTimeoutMs` still within the lifecycle's grace. */
const flushGraceMs = 2500;

export interface PublishingOptions {
  config: NodeConfig;
  /** Called once, as soon as there is a connection. */
  connected?: (connection: NatsConnection) => void;
  lifecycle: Lifecycle;
  clock: Clock;
  log: Logger;
}

/** Connects in the background, for as long as it takes; what is sampled meanwhile waits. What is left is flushed at the end. */
export function startPublishing({ config, connected, lifecycle, clock, log }: PublishingOptions): Publisher<Telemetry> {
  const publisher = createPublisher({ capacity: bufferedSamples, weigh: weight, isHopeless, retryMs, clock, log });
  const subject = telemetrySubject(config.site, config.name);
  let connection: NatsConnection | undefined;
  const connect = async (): Promise<void> => {
    connection = await connectBus({
      servers: config.nats.servers,
      user: `monitor.${config.name}`,
      tls: tlsFiles(config.pki, 'monitor'),
      log,
      signal: lifecycle.signal,
    });
    connected?.(connection);
    const js = jetstream(connection);
    publisher.start(async (message) => {
      await publish(js, subject, message, { id: messageId(message), timeoutMs: publishTimeoutMs });
    });
  };
  connect().catch((error: unknown) => {
    log.error({ err: error }, 'no connection');
    process.exitCode = 1;
    lifecycle.stop('no connection');
  });
  lifecycle.onClose({
    name: 'publishing',
    close: async () => {
      await publisher.close(flushGraceMs);
      await connection?.close();
    },
  });
  return publisher;
}
