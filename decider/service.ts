import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openStore } from '../lib/bus/kv.ts';
import { openPolicyBucket } from '../lib/bus/policy-bucket.ts';
import { viaHub } from '../lib/bus/streams.ts';
import type { Clock } from '../lib/clock.ts';
import type { Decision } from '../lib/contract/decision.ts';
import { defaultPolicy } from '../lib/contract/policy.ts';
import type { Logger } from '../lib/logger.ts';
import { createLease, leaseSchema } from './lease.ts';
import { createMetrics, type DeciderMetrics } from './metrics.ts';
import { createOutbox } from './outbox.ts';
import { createPast } from './past.ts';
import { decide } from './pipeline/decide.ts';
import type { Signature } from './pipeline/verdict.ts';
import { startPolicySource } from './policy-source.ts';
import { answerRequests } from './requests.ts';
import { openSources } from './sources.ts';
import { applyPolicy } from './world/apply.ts';
import { createWorld } from './world/model.ts';

export interface DeciderOptions {
  connection: NatsConnection;
  /** Unique per process. */
  holder: string;
  leaseMs: number;
  policyFile: string | undefined;
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
  const js = jetstream(connection, viaHub());
  const world = createWorld(defaultPolicy());
  const past = createPast(world);
  let ready = false;

  const lease = createLease({
    store: await openStore(connection, 'leases', leaseSchema, log),
    holder: options.holder,
    leaseMs: options.leaseMs,
    epochFloor: past.highestEpoch,
    clock,
    log,
  });
  const metrics = createMetrics(world, lease.epoch);
  const signature = (): Signature | undefined => {
    const epoch = ready ? lease.epoch() : undefined;
    return epoch === undefined ? undefined : { epoch, newId: options.newId };
  };
  const outbox = createOutbox({
    js,
    epoch: lease.epoch,
    commandExpirationMs: () => world.policy.spec.budgets.commandExpiration,
    clock,
    log,
  });
  const send = async (decision: Decision): Promise<void> => {
    metrics.decision(decision);
    const { id, verdict, migration, sentence } = decision;
    log.info({ decision: id, verdict, migration, sentence }, 'decided');
    await outbox.send(decision);
  };
  const unsent = (error: unknown, decision: Decision): void => {
    metrics.unpublished();
    log.error({ err: error, decision: decision.id }, 'decision not published');
  };
  const policies = await startPolicySource({
    bucket: await openPolicyBucket(connection),
    file: options.policyFile,
    leads: () => lease.epoch() !== undefined,
    initial: world.policy,
    apply: (policy) => applyPolicy(world, policy),
    rejected: metrics.policyRejected,
    clock,
    log,
    signal,
  });

  const react = (node: string): void => {
    const hand = signature();
    if (!hand) return;
    const started = clock.monotonic();
    for (const decision of decide(world, node, clock.now(), hand)) {
      metrics.decided(clock.monotonic() - started);
      void send(decision).catch((error: unknown) => unsent(error, decision));
    }
  };
  const sources = await openSources({ connection, world, past, metrics, react, clock, log, signal });

  /** Nothing is decided before the past is known and what a predecessor left half done is completed. */
  const lead = async (epoch: number): Promise<void> => {
    ready = false;
    await sources.caughtUp();
    await policies.sync();
    for (const decision of past.unconfirmed(clock.now()))
      await outbox.complete(decision).catch((error: unknown) => unsent(error, decision));
    ready = lease.epoch() === epoch;
    log.info({ epoch, ready }, 'deciding');
  };

  return {
    metrics,
    epoch: () => signature()?.epoch,
    run: async () => {
      const stopAnswers = answerRequests({ connection, world, signature, send, clock, log });
      const onLead = (epoch: number): void => {
        void lead(epoch).catch((error: unknown) => log.error({ err: error }, 'taking over failed'));
      };
      const elect = async (): Promise<void> => {
        // earlier terms stand in the streams: a term must be higher than all of them
        await sources.caughtUp();
        await lease.run({ onLead, signal });
      };
      await Promise.all([sources.run(), policies.run(), elect()]);
      stopAnswers();
    },
  };
}
