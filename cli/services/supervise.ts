import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Lifecycle } from '../../lib/lifecycle.ts';
import type { Logger } from '../../lib/logger.ts';
import { followRoster, type NatsRole, writeNatsConfig } from './nats.ts';
import { serveReadiness } from './readiness.ts';
import { openRegistry } from './registry.ts';
import { type ServiceSpec, type ServiceTools, startService } from './service.ts';

/** How long the stop of one service may take, SIGKILL included. */
export const stopGraceMs = 25_000;

export interface Plan {
  /** Holds services.json. */
  runDir: string;
  /** The machine's own NATS server, where it has one; it starts first and stops last. */
  nats?: NatsRole & { binary: string };
  services: readonly ServiceSpec[];
  /** `/readyz` is served here: ready when the streams stand and the server answers. */
  readyPort?: number | undefined;
}

export interface Tools {
  clock: Clock;
  log: Logger;
  lifecycle: Lifecycle;
}

/** Runs everything in the plan until the lifecycle ends. @throws E_CONFIG, E_BUSY */
export async function supervise(plan: Plan, tools: Tools): Promise<void> {
  const registry = await openRegistry(plan.runDir);
  const serviceTools: ServiceTools = { ...tools, registry };
  let isReady = async (): Promise<boolean> => false;
  if (plan.readyPort !== undefined) {
    const server = await serveReadiness(plan.readyPort, () => isReady());
    tools.lifecycle.onClose({ name: 'readiness', close: () => void server.close() });
  }
  const connection = plan.nats && (await startNats(plan.nats, serviceTools, tools.lifecycle));
  isReady = async () => {
    await connection?.rtt();
    return !tools.lifecycle.signal.aborted;
  };
  if (!tools.lifecycle.signal.aborted) for (const spec of plan.services) start(spec, serviceTools, tools.lifecycle);
  await tools.lifecycle.done();
}

const start = (spec: ServiceSpec, tools: ServiceTools, lifecycle: Lifecycle) => {
  const service = startService(spec, tools);
  lifecycle.onClose({ name: spec.name, close: () => service.stop() });
  return service;
};

/** Resolves when the streams stand, with the supervisor's connection, or when it has to end. */
async function startNats(
  nats: NatsRole & { binary: string },
  tools: ServiceTools,
  lifecycle: Lifecycle,
): Promise<NatsConnection | undefined> {
  const stale = await writeNatsConfig(nats);
  const spec: ServiceSpec = { name: 'nats', command: [nats.binary, '-c', nats.configFile], raised: true };
  const server = start(spec, tools, lifecycle);
  const { signal } = lifecycle;
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    void followRoster(nats, server, { ...tools, signal, stale, ready: resolve }).catch((error: unknown) => {
      if (signal.aborted) return;
      tools.log.error({ reason: messageOf(error) }, 'no way into the own NATS server');
      lifecycle.stop('no way into the own NATS server');
    });
  });
}
