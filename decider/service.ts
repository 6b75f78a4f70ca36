import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { KubeClient } from '../k8s/client.ts';
import { openStore } from '../lib/bus/kv.ts';
import { openPolicyBucket } from '../lib/bus/policy-bucket.ts';
import { viaHub } from '../lib/bus/streams.ts';
import type { Clock } from '../lib/clock.ts';
import { defaultPolicy } from '../lib/contract/policy.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import { createLease, leaseSchema } from '../lib/lease.ts';
import type { Logger } from '../lib/logger.ts';
import { calmNotesSchema, noteCalm } from './calm-notes.ts';
import { clusterOrders } from './cluster-orders.ts';
import { createCore } from './core.ts';
import { createMetrics, type DeciderMetrics } from './metrics.ts';
import { busOrders } from './orders.ts';
import { createOutbox } from './outbox.ts';
import type { Signature } from './pipeline/verdict.ts';
import { startPolicySource } from './policy-source.ts';
import { answerRequests } from './requests.ts';
import { openSources } from './sources.ts';
import { createTakeOver } from './take-over.ts';

export interface DeciderOptions {
  connection: NatsConnection;
  /** Unique per process. */
  holder: string;
  leaseMs: number;
  policyFile: string | undefined;
  /** Where decisions become Migration objects; without one they become commands. */
  cluster?: KubeClient | undefined;
  newId: Signature['newId'];
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface Decider {
  metrics: DeciderMetrics;
  /** The term while this decider leads. */
  epoch(): number | undefined;
  /** Runs until `signal` is aborted. */
  run(): Promise<void>;
}

/** Wires the pure pipeline to the bus: streams in, decisions and commands out, while the lease is held. */
export async function createDecider(options: DeciderOptions): Promise<Decider> {
  const { connection, clock, log, signal } = options;
  const tools = { clock, log, signal };
  const core = createCore(defaultPolicy());
  const { world, past } = core;
  const lease = createLease({
    store: await openStore(connection, 'leases', leaseSchema, log),
    key: 'decider',
    holder: options.holder,
    leaseMs: options.leaseMs,
    epochFloor: past.highestEpoch,
    ...tools,
  });
  const metrics = createMetrics(world, lease.epoch);
  const js = jetstream(connection, viaHub());
  const orders = options.cluster ? clusterOrders(options.cluster) : busOrders(js);
  const outbox = createOutbox({
    js,
    orders,
    epoch: lease.epoch,
    commandExpirationMs: () => world.policy.spec.budgets.commandExpiration,
    metrics,
    ...tools,
  });
  const policies = await startPolicySource({
    bucket: await openPolicyBucket(connection),
    file: options.policyFile,
    leads: () => lease.epoch() !== undefined,
    initial: world.policy,
    apply: core.policy,
    rejected: metrics.policyRejected,
    ...tools,
  });
  const signature = (): Signature | undefined => {
    const epoch = takeOver.epoch();
    return epoch === undefined ? undefined : { epoch, newId: options.newId };
  };
  const sample = (received: Telemetry): void => {
    const started = clock.monotonic();
    const { folded, decisions } = core.sample(received, clock.now(), signature());
    metrics.sample(folded ? 'folded' : 'repeated');
    for (const decision of decisions) {
      metrics.decided(clock.monotonic() - started);
      outbox.post(decision);
    }
  };
  const sources = await openSources({ connection, core, metrics, sample, ...tools });
  const calm = await openStore(connection, 'calm', calmNotesSchema, log);
  // the commands that lie in a cluster's queue are its controllers', and some of them people's
  const queue = orders.afterDecision ? { ...sources, queued: async () => new Map<string, string>() } : sources;
  const takeOver = createTakeOver({
    lease,
    sources: queue,
    policies,
    policy: () => world.policy,
    past,
    outbox,
    clock,
    log,
  });
  return {
    metrics,
    epoch: takeOver.epoch,
    run: async () => {
      const stopAnswers = answerRequests({ connection, world, signature, send: outbox.send, clock, log });
      const leads = (): boolean => takeOver.epoch() !== undefined;
      const noting = noteCalm({ store: calm, world, leads, ...tools });
      await Promise.all([sources.run(), policies.run(), takeOver.run({ signal }), noting]);
      stopAnswers();
    },
  };
}
