import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../k8s/client.ts';
import { connectBus } from '../lib/bus/connect.ts';
import { systemClock } from '../lib/clock.ts';
import { toGodwitError } from '../lib/errors.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger } from '../lib/logger.ts';
import { serveMetrics } from '../lib/metrics.ts';
import { type DeciderConfig, readConfig } from './config.ts';
import { createDecider } from './service.ts';

const random = (): string => randomBytes(8).toString('hex');

const log = createLogger('decider');
try {
  await main(process.argv.slice(2));
} catch (error) {
  const { code, message } = toGodwitError(error, 'E_BUS', 'the decider could not start');
  log.fatal({ code, err: error }, message);
  process.exit(code === 'E_CONFIG' ? 2 : 1); // else the connection would keep it alive
}

async function main(args: string[]): Promise<void> {
  const config = await readConfig(args);
  const cluster = await clusterOf(config);
  const lifecycle = createLifecycle(log);
  const { signal } = lifecycle;
  const connection = await connectBus({ servers: config.servers, user: 'decider', tls: config.tls, log, signal });
  lifecycle.onClose({ name: 'bus', close: () => connection.drain() });
  const decider = await createDecider({
    connection,
    holder: random(),
    leaseMs: config.leaseMs,
    policyFile: config.policyFile,
    cluster,
    newId: (prefix) => `${prefix}-${random()}`,
    clock: systemClock,
    log,
    signal,
  });
  if (config.metricsPort !== undefined) {
    const server = await serveMetrics(decider.metrics.registry, { ready: () => true }, { port: config.metricsPort });
    lifecycle.onClose({ name: 'metrics', close: () => void server.close() });
  }
  const running = decider.run().catch((error: unknown) => {
    log.fatal({ err: error }, 'the decider failed');
    process.exitCode = 1;
    lifecycle.stop('failure');
  });
  lifecycle.onClose({ name: 'decider', close: () => running });
  await lifecycle.done();
}

/** On bare nodes nothing of Kubernetes is even loaded. */
async function clusterOf({ kubernetes }: DeciderConfig): Promise<KubeClient | undefined> {
  if (!kubernetes) return undefined;
  const [{ createKubeClient }, { apiAccess }] = await Promise.all([
    import('../k8s/client.ts'),
    import('../k8s/access.ts'),
  ]);
  return createKubeClient(await apiAccess(kubernetes.kubeconfig));
}
