import { flushCompileCache } from 'node:module';
import { systemClock } from '../lib/clock.ts';
import { toGodwitError } from '../lib/errors.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { readConfig } from './config.ts';
import { readNodeFacts } from './host/facts.ts';
import { startPublishing } from './publishing.ts';
import { startSampling } from './sampling.ts';

async function main(): Promise<void> {
  const config = await readConfig(process.argv.slice(2));
  const log = createLogger('monitor', { bindings: { node: config.name } });
  const lifecycle = createLifecycle(log);
  const shared = { config, lifecycle, clock: systemClock, log };
  startSampling({ ...shared, publisher: startPublishing(shared) });
  await logFacts(log);
  // Written at the exit otherwise, which a process that is killed never sees; the next start needs 25 MiB less with it.
  flushCompileCache();
  await lifecycle.done();
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
