import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Registry } from '@prometheus-io/client';
import { apiAccess } from '../k8s/access.ts';
import { createKubeClient } from '../k8s/client.ts';
import { createKubeLease } from '../k8s/lease.ts';
import { connectBus } from '../lib/bus/connect.ts';
import { systemClock } from '../lib/clock.ts';
import { toGodwitError } from '../lib/errors.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { serveMetrics } from '../lib/metrics.ts';
import { tlsFiles } from '../lib/node-config.ts';
import { leaseName, readConfig } from './config.ts';
import { createControllers } from './controllers.ts';
import { highestEpoch } from './epoch-floor.ts';
import { lead } from './lead.ts';

/** The controllers' process from its start to its end; sets the exit code: 2 after a wrong configuration, 1 after any other fault. */
export async function run(args: readonly string[]): Promise<void> {
  const log = createLogger('controller', { level: process.env.GODWIT_LOG_LEVEL ?? 'info' });
  try {
    await control(args, log);
  } catch (error) {
    const { code, message } = toGodwitError(error, 'E_BUS', 'the controllers could not start');
    log.fatal({ code, err: error }, message);
    process.exit(code === 'E_CONFIG' ? 2 : 1); // else the connection would keep it alive
  }
}

async function control(args: readonly string[], log: Logger): Promise<void> {
  const { nats, namespace, leaseMs, metrics, kubeconfig, checkpoints } = await readConfig(args, process.env);
  const client = createKubeClient(await apiAccess(kubeconfig));
  const lifecycle = createLifecycle(log);
  const { signal } = lifecycle;
  const tls = tlsFiles(nats.pki, 'controller');
  const connection = await connectBus({ servers: nats.servers, user: 'controller', tls, log, signal });
  lifecycle.onClose({ name: 'bus', close: () => connection.drain() });
  const instance = `${hostname()}-${randomBytes(4).toString('hex')}`;
  const floor = await highestEpoch({ connection, log });
  const tools = { clock: systemClock, log };
  const lease = createKubeLease({
    ...{ client, namespace, name: leaseName, holder: instance, leaseMs },
    epochFloor: () => floor,
    ...tools,
  });
  const registry = new Registry();
  const controllers = createControllers({
    ...{ client, connection, namespace, checkpoints, instance, registry },
    epoch: lease.epoch,
    random: Math.random,
    ...tools,
  });
  if (metrics) {
    const server = await serveMetrics(registry, { ready: () => true }, metrics);
    lifecycle.onClose({ name: 'metrics', close: () => void server.close() });
  }
  const running = lead({ lease, controllers, signal, ...tools }).catch((error: unknown) => {
    log.fatal({ err: error }, 'the controllers failed');
    process.exitCode = 1;
    lifecycle.stop('failure');
  });
  lifecycle.onClose({ name: 'controllers', close: () => running });
  await lifecycle.done();
}
