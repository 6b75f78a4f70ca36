import { cpus } from 'node:os';
import { systemClock } from '../lib/clock.ts';
import { toGodwitError } from '../lib/errors.ts';
import { createLifecycle } from '../lib/lifecycle.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import type { NodeConfig } from '../lib/node-config.ts';
import { readConfig } from './config.ts';
import { type ContainerSet, type ContainerSetOptions, createContainerSet } from './container-set.ts';
import { createFileOpener } from './held-file.ts';
import { readNodeFacts } from './host/facts.ts';
import { podContainers } from './pod-containers.ts';
import { startPublishing } from './publishing.ts';
import { runcContainers } from './runc-root.ts';
import { startSampling } from './sampling.ts';
import { createGatheredSet } from './sidecar/gather.ts';
import { handOut } from './sidecar/hand-out.ts';

/** The monitor from its start to its end; sets the exit code: 2 after a wrong configuration, 1 after any other fault. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await monitor(await readConfig(args));
  } catch (error) {
    const fault = toGodwitError(error, 'E_SETUP', 'monitor');
    process.stderr.write(`${fault.code}: ${fault.message}${fault.next ? `\n${fault.next}` : ''}\n`);
    process.exitCode = fault.code === 'E_CONFIG' ? 2 : 1;
  }
}

async function monitor(config: NodeConfig): Promise<void> {
  const log = createLogger('monitor', { bindings: { node: config.name } });
  const lifecycle = createLifecycle(log);
  const shared = { config, lifecycle, clock: systemClock, log };
  const bounds = { maxCores: cpus().length, minElapsedMs: config.monitor.intervalMs / 4 };
  const reading = { ...shared, open: createFileOpener(), bounds };
  if (config.monitor.mode === 'sidecar') {
    const { connected, ...containers } = createGatheredSet(shared);
    startSampling({ ...reading, containers, publisher: startPublishing({ ...shared, connected }) });
    handOut(config).catch((error: unknown) => log.error({ err: error }, 'nothing is handed out to the sidecars'));
  } else startSampling({ ...reading, containers: ownSet(config, reading), publisher: startPublishing(shared) });
  await logFacts(log, lifecycle.signal);
  await lifecycle.done();
}

const ownSet = ({ engine, runcRoot }: NodeConfig, reading: Omit<ContainerSetOptions, 'source'>): ContainerSet =>
  createContainerSet({
    ...reading,
    source: engine === 'kubernetes' ? podContainers(runcRoot) : runcContainers(runcRoot),
  });

async function logFacts(log: Logger, signal: AbortSignal): Promise<void> {
  try {
    log.info({ ...(await readNodeFacts({ signal })) }, 'node facts');
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'node facts can not be read');
  }
}
