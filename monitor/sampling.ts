import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import type { Logger } from '../lib/logger.ts';
import type { NodeConfig } from '../lib/node-config.ts';
import type { ContainerSet } from './container-set.ts';
import type { DeltaBounds } from './delta.ts';
import type { FileOpener } from './held-file.ts';
import { openNodeUsage } from './host/usage.ts';
import type { Publisher } from './publisher.ts';
import { createSampler } from './sampler.ts';
import { everyInterval } from './tick.ts';
import { watchFolder } from './watch.ts';

export interface SamplingOptions {
  config: NodeConfig;
  containers: ContainerSet;
  open: FileOpener;
  bounds: DeltaBounds;
  publisher: Publisher<Telemetry>;
  lifecycle: Lifecycle;
  clock: Clock;
  log: Logger;
}

/** Samples at every interval until the lifecycle stops; a fault of the node's own files stops the process. */
export function startSampling(options: SamplingOptions): void {
  const { config, containers, open, bounds, publisher, lifecycle, clock, log } = options;
  const { intervalMs } = config.monitor;
  const node = openNodeUsage({ open, proc: '/proc', capacity: config.capacity });
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
