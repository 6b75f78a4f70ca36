import type { JetStreamClient } from '@nats-io/jetstream';
import { publish } from '../lib/bus/publish.ts';
import type { Clock } from '../lib/clock.ts';
import type { Decision } from '../lib/contract/decision.ts';
import { GodwitError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { commandSubject, decisionSubject } from '../lib/subjects.ts';
import type { DeciderMetrics } from './metrics.ts';
import { commandOf } from './pipeline/verdict.ts';

export interface OutboxOptions {
  js: JetStreamClient;
  /** The leader's term now; undefined: it leads no more. */
  epoch(): number | undefined;
  commandExpirationMs(): number;
  metrics: DeciderMetrics;
  clock: Clock;
  log: Logger;
}

export interface Outbox {
  /** Publishes a decision, then its command; throws when leadership or the command's time has run out before both were stored. */
  send(decision: Decision): Promise<void>;
  /** `send` for those who can do nothing about a failure: it is logged and counted. */
  post(decision: Decision): void;
  /** Publishes the command of a decision that another leader may have left without one; a repeat is stored once. */
  complete(decision: Decision): Promise<void>;
}

const retryMs = 250;

/**
 * The decision goes first and its command second, both under ids that make a repeat harmless: a leader that dies in between has
 * left a decision that the next one completes.
 */
export function createOutbox({ js, epoch, commandExpirationMs, metrics, clock, log }: OutboxOptions): Outbox {
  const store = async (subject: string, message: () => unknown, id: string, until: number): Promise<void> => {
    for (;;) {
      if (epoch() === undefined) throw new GodwitError('E_CONFLICT', `${id}: this decider leads no more`);
      try {
        await publish(js, subject, message(), { id });
        return;
      } catch (error) {
        if (clock.now() + retryMs >= until) throw error;
        log.warn({ err: error, id }, 'not published; trying again');
        await clock.sleep(retryMs);
      }
    }
  };

  const command = async (decision: Decision): Promise<void> => {
    const expirationMs = commandExpirationMs();
    const build = () => commandOf(decision, { epoch: epoch() ?? decision.epoch }, expirationMs);
    const id = decision.migration;
    if (!id || !build()) return;
    await store(commandSubject(decision.site, id), build, id, decision.at + expirationMs);
  };

  const send = async (decision: Decision): Promise<void> => {
    const { id, at, site, node, verdict, migration, sentence } = decision;
    metrics.decision(decision);
    log.info({ decision: id, verdict, migration, sentence }, 'decided');
    await store(decisionSubject(site, node), () => decision, id, at + commandExpirationMs());
    await command(decision);
  };

  const failed = (error: unknown, decision: Decision): void => {
    metrics.unpublished();
    log.error({ err: error, decision: decision.id }, 'decision not published');
  };

  return {
    send,
    post: (decision) => void send(decision).catch((error: unknown) => failed(error, decision)),
    complete: (decision) => command(decision).catch((error: unknown) => failed(error, decision)),
  };
}
