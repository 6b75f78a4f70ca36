import type { JetStreamClient } from '@nats-io/jetstream';
import { publish } from '../lib/bus/publish.ts';
import type { Clock } from '../lib/clock.ts';
import type { Decision } from '../lib/contract/decision.ts';
import { GodwitError, hasCode } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { decisionSubject } from '../lib/subjects.ts';
import type { DeciderMetrics } from './metrics.ts';
import type { Orders } from './orders.ts';
import { commandOf, lapseOf } from './pipeline/verdict.ts';

export interface OutboxOptions {
  js: JetStreamClient;
  orders: Orders;
  /** The leader's term now; undefined: it leads no more. */
  epoch(): number | undefined;
  commandExpirationMs(): number;
  metrics: DeciderMetrics;
  clock: Clock;
  log: Logger;
}

export interface Outbox {
  /** Publishes a decision and its command; throws when leadership or the command's time has run out before both were stored. */
  send(decision: Decision): Promise<void>;
  /** `send` for those who can do nothing about a failure: it is logged and counted. */
  post(decision: Decision): void;
  /** Publishes a decision whose command is stored. */
  record(decision: Decision): Promise<void>;
  /** Publishes the command of a decision that was left without one or, once that has expired, that it has lapsed. */
  complete(decision: Decision): Promise<void>;
}

const retryMs = 250;

/**
 * The decision goes out first, and its command where `orders` say. Both have ids that make a repeat harmless. What a crash leaves without
 * its other half the next leader completes.
 */
export function createOutbox({ js, orders, epoch, commandExpirationMs, metrics, clock, log }: OutboxOptions): Outbox {
  const store = async (write: () => Promise<void>, id: string, until: number): Promise<void> => {
    for (;;) {
      if (epoch() === undefined) throw new GodwitError('E_CONFLICT', `${id}: this decider leads no more`);
      try {
        return await write();
      } catch (error) {
        if (hasCode(error, 'E_REFUSED') || clock.now() + retryMs >= until) throw error;
        log.warn({ err: error, id }, 'not published; trying again');
        await clock.sleep(retryMs);
      }
    }
  };
  const expiryOf = ({ at }: Decision): number => at + commandExpirationMs();

  /** Of a decision with a command as long as this decider leads: no command stays without its decision. */
  const record = (decision: Decision): Promise<void> => {
    const until = decision.migration || decision.lapsed ? Number.POSITIVE_INFINITY : expiryOf(decision);
    const { id, site, node } = decision;
    const write = async (): Promise<void> => {
      await publish(js, decisionSubject(site, node), decision, { id });
    };
    return store(write, id, until);
  };

  const command = async (decision: Decision): Promise<void> => {
    const build = () => commandOf(decision, { epoch: epoch() ?? decision.epoch }, commandExpirationMs());
    const first = build();
    if (!first) return;
    try {
      await store(() => orders.place(build() ?? first, decision), first.id, expiryOf(decision));
    } catch (error) {
      await lapse(decision, hasCode(error, 'E_REFUSED') ? error.message : undefined);
      throw error;
    }
  };

  /** Leaves it to the next leader when this one leads no more. */
  const lapse = async (decision: Decision, refusal?: string): Promise<void> => {
    const term = epoch();
    if (term !== undefined) await record(lapseOf(decision, { epoch: term }, clock.now(), refusal));
  };

  const send = async (decision: Decision): Promise<void> => {
    const { id, verdict, migration, sentence } = decision;
    metrics.decision(decision);
    log.info({ decision: id, verdict, migration, sentence }, 'decided');
    const recorded = record(decision);
    if (orders.afterDecision) await recorded;
    await Promise.all([recorded, command(decision)]);
  };

  const failed = (error: unknown, decision: Decision): void => {
    metrics.unpublished();
    log.error({ err: error, decision: decision.id }, 'decision not published');
  };

  return {
    send,
    post: (decision) => void send(decision).catch((error: unknown) => failed(error, decision)),
    record,
    complete: (decision) =>
      (clock.now() < expiryOf(decision) ? command(decision) : lapse(decision)).catch((error: unknown) =>
        failed(error, decision),
      ),
  };
}
