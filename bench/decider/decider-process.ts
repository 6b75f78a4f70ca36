import { randomBytes } from 'node:crypto';
import { createDecider } from '../../decider/service.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { serveMetrics } from '../../lib/metrics.ts';

/** The decider as `decider/main.ts` runs it, against a server without TLS: its URL, the holder's name, a port for metrics. */
const [url = '', holder = 'bench', metricsPort] = process.argv.slice(3);
const log = createLogger('decider', { level: 'error' });
const controller = new AbortController();
process.once('SIGTERM', () => controller.abort());
const connection = await connectBus({ servers: [url], user: 'decider', log });
const decider = await createDecider({
  connection,
  holder,
  leaseMs: 5000,
  policyFile: undefined,
  newId: (prefix) => `${prefix}-${randomBytes(8).toString('hex')}`,
  clock: systemClock,
  log,
  signal: controller.signal,
});
const server = metricsPort
  ? await serveMetrics(decider.metrics.registry, { ready: () => true }, { port: Number(metricsPort) })
  : undefined;
await decider.run();
server?.close();
await connection.close();
