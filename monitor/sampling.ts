import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import type { Logger } from '../lib/logger.ts';
import type { NodeConfig } from '../lib/node-config.ts';
import { type ContainerSource, createContainerSet } from './container-set.ts';
import { createFileOpener } from './held-file.ts';
import { openNodeUsage } from './host/usage.ts';
import { podContainers } from './pod-containers.ts';
import type { Publisher } from './publisher.ts';
import { runcContainers } from './runc-root.ts';
import { createSampler } from './sampler.ts';
import { everyInterval } from './tick.ts';
import { watchFolder } from './watch.ts';

export interface SamplingOptions {
  config: NodeConfig;
  publisher: Publisher<Telemetry>;
  lifecycle: Lifecycle;
  clock: Clock;
  log: Logger;
}

/** Samples at every interval until the lifecycle stops; a fault of the node's own files stops the process. */
export function startSampling({ config, publisher, lifecycle, clock, log }: SamplingOptions): void {
  const { intervalMs } = config.monitor;
  const open = createFileOpener();
  const bounds = { maxCores: cpus().length, minElapsedMs: intervalMs / 4 };
  const node = openNodeUsage({ open, proc: '/proc', capacity: config.capacity });
  const containers = createContainerSet({ source: sourceOf(config), open, clock, bounds, log });
  const identity = { site: config.site, node: config.name, tier: config.tier, boot: randomBytes(8).toString('hex') };
  const sampler = createSampler({ identity, clock, containers, node, bounds });
  const watch = watchFolder(config.runcRoot, containers.scan);
  watch.renew();
  log.info({ boot: identity.boot, intervalMs, capacity: node.capacity(), source: node.source }, 'sampling');

  const tick = (): void => {
    watch.renew();
    containers.scan();
    const message = sampler.sample();
    if (message) publisher.offer(message);
  };
  const sampling = everyInterval(intervalMs, clock, tick, lifecycle).catch((error: unknown) => {
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

const sourceOf = ({ engine, runcRoot }: NodeConfig): ContainerSource =>
  engine === 'kubernetes' ? podContainers(runcRoot) : runcContainers(runcRoot);
