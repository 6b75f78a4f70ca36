import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../lib/bus/connect.ts';
import { publish } from '../lib/bus/publish.ts';
import { systemClock } from '../lib/clock.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import { toGodwitError } from '../lib/errors.ts';
import { type Closable, createLifecycle, type Lifecycle } from '../lib/lifecycle.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { type NodeConfig, tlsFiles } from '../lib/node-config.ts';
import { telemetrySubject } from '../lib/subjects.ts';
import { readConfig } from './config.ts';
import { createContainerSet } from './container-set.ts';
import { createFileOpener } from './held-file.ts';
import { readNodeFacts } from './host/facts.ts';
import { openNodeUsage } from './host/usage.ts';
import { isHopeless, messageId, weight } from './message.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { createSampler } from './sampler.ts';
import { everyInterval } from './tick.ts';
import { watchFolder } from './watch.ts';

/** Container samples that wait while the server is away: 75 minutes of 110 containers every 10 s. */
const bufferedSamples = 50_000;
/** The server is on this node, or beside it: a longer silence means that it restarts. */
const publishTimeoutMs = 2000;
const flushGraceMs = 2500;

async function main(): Promise<void> {
  const config = await readConfig(process.argv.slice(2));
  const log = createLogger('monitor', { bindings: { node: config.name } });
  const lifecycle = createLifecycle(log);
  const publisher = createPublisher<Telemetry>({
    capacity: bufferedSamples,
    weigh: weight,
    isHopeless,
    retryMs: 250,
    clock: systemClock,
    log,
  });
  const bus = startPublishing(config, publisher, lifecycle, log);
  lifecycle.onClose(bus);
  startSampling(config, publisher, lifecycle, log);
  void logFacts(log);
  await lifecycle.done();
}

function startSampling(config: NodeConfig, publisher: Publisher<Telemetry>, lifecycle: Lifecycle, log: Logger): void {
  const { intervalMs } = config.monitor;
  const open = createFileOpener();
  const bounds = { maxCores: cpus().length, minElapsedMs: intervalMs / 4 };
  const node = openNodeUsage({ open, proc: '/proc', capacity: config.capacity });
  const containers = createContainerSet({ runcRoot: config.runcRoot, open, clock: systemClock, bounds, log });
  const identity = { site: config.site, node: config.name, tier: config.tier, boot: randomBytes(8).toString('hex') };
  const sampler = createSampler({ identity, clock: systemClock, containers, node, bounds });
  const watch = watchFolder(config.runcRoot, containers.scan);
  watch.renew();
  log.info({ boot: identity.boot, intervalMs, capacity: node.capacity(), source: node.source }, 'sampling');
  const tick = (): void => {
    watch.renew();
    containers.scan();
    const message = sampler.sample();
    if (message) publisher.offer(message);
  };
  const sampling = everyInterval(intervalMs, systemClock, tick, lifecycle).catch((error: unknown) => {
    log.error({ err: error }, 'sampling failed');
    process.exitCode = 1;
    lifecycle.stop('sampling failed');
  });
  lifecycle.onClose({
    name: 'sampling',
    close: async () => {
      await sampling;
      watch.close();
      containers.close();
      node.close();
    },
  });
}

/** Connects in the background, for as long as it takes; what is sampled meanwhile waits in the publisher. */
function startPublishing(
  config: NodeConfig,
  publisher: Publisher<Telemetry>,
  lifecycle: Lifecycle,
  log: Logger,
): Closable {
  let connection: NatsConnection | undefined;
  const connect = async (): Promise<void> => {
    connection = await connectBus({
      servers: config.nats.servers,
      user: `monitor.${config.name}`,
      tls: tlsFiles(config.pki, 'monitor'),
      log,
      signal: lifecycle.signal,
    });
    const js = jetstream(connection);
    const subject = telemetrySubject(config.site, config.name);
    publisher.start(async (message) => {
      await publish(js, subject, message, { id: messageId(message), timeoutMs: publishTimeoutMs });
    });
  };
  void connect().catch((error: unknown) => {
    log.error({ err: error }, 'no connection');
    process.exitCode = 1;
    lifecycle.stop('no connection');
  });
  return {
    name: 'publishing',
    close: async () => {
      await publisher.close(flushGraceMs);
      await connection?.close();
    },
  };
}

async function logFacts(log: Logger): Promise<void> {
  try {
    log.info({ ...(await readNodeFacts()) }, 'node facts');
  } catch (error) {
    log.warn({ err: error }, 'node facts can not be read');
  }
}

try {
  await main();
} catch (error) {
  const fault = toGodwitError(error, 'E_SETUP', 'monitor');
  process.stderr.write(`${fault.code}: ${fault.message}${fault.next ? `\n${fault.next}` : ''}\n`);
  process.exitCode = fault.code === 'E_CONFIG' ? 2 : 1;
}
// A connection that is still being dialled would keep the process alive.
process.exit();
