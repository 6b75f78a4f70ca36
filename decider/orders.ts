import type { JetStreamClient } from '@nats-io/jetstream';
import { publish } from '../lib/bus/publish.ts';
import type { Decision } from '../lib/contract/decision.ts';
import type { Command } from '../lib/contract/migration.ts';
import { commandSubject } from '../lib/subjects.ts';

/** Those who carry out what was decided. */
export interface Orders {
  /** True: the decision is stored before its command is placed. False: both go out together, in this order, by one connection. */
  afterDecision: boolean;
  /**
   * Puts the command where it is carried out, once however often it is repeated. Throws E_REFUSED when that will never do, and anything
   * else when it may do later.
   */
  place(command: Command, decision: Decision): Promise<void>;
}

/** The work queue of the migrators. */
export const busOrders = (js: JetStreamClient): Orders => ({
  afterDecision: false,
  place: async (command, { site }) => {
    await publish(js, commandSubject(site, command.id), command, { id: command.id });
  },
});
