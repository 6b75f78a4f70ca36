import { flushCompileCache } from 'node:module';
import { systemClock } from '../lib/clock.ts';
import { toGodwitError } from '../lib/errors.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { readConfig } from './config.ts';
import { readNodeFacts } from './host/facts.ts';
import { startPublishing } from './publishing.ts';
import { startSampling } from './sampling.ts';

/** The monitor from its start to its end; sets the exit code: 2 after a wrong configuration, 1 after any other fault. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await monitor(args);
  } catch (error) {
    const fault = toGodwitError(error, 'E_SETUP', 'monitor');
    process.stderr.write(`${fault.code}: ${fault.message}${fault.next ? `\n${fault.next}` : ''}\n`);
    process.exitCode = fault.code === 'E_CONFIG' ? 2 : 1;
  }
}

async function monitor(args: readonly string[]): Promise<void> {
  const config = await readConfig(args);
  const log = createLogger('monitor', { bindings: { node: config.name } });
  const lifecycle = createLifecycle(log);
  const shared = { config, lifecycle, clock: systemClock, log };
  startSampling({ ...shared, publisher: startPublishing(shared) });
  await logFacts(log, lifecycle.signal);
  // Else written at the exit, which a process that is killed never sees; the next start needs 20 MiB less with it.
  flushCompileCache();
  await lifecycle.done();
}

async function logFacts(log: Logger, signal: AbortSignal): Promise<void> {
  try {
    log.info({ ...(await readNodeFacts({ signal })) }, 'node facts');
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'node facts can not be read');
  }
}
