import { randomBytes } from 'node:crypto';
import { createDecider } from '../../decider/service.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';

/** The decider as `decider/main.ts` runs it, against a server without TLS. */
const log = createLogger('decider', { level: 'error' });
const controller = new AbortController();
process.once('SIGTERM', () => controller.abort());
const connection = await connectBus({ servers: [process.argv[3] ?? ''], user: 'decider', log });
const decider = await createDecider({
  connection,
  holder: 'bench',
  leaseMs: 5000,
  policyFile: undefined,
  newId: (prefix) => `${prefix}-${randomBytes(8).toString('hex')}`,
  clock: systemClock,
  log,
  signal: controller.signal,
});
await decider.run();
await connection.close();
