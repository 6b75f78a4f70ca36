import type { Clock } from '../lib/clock.ts';
import type { Policy } from '../lib/contract/policy.ts';
import type { Lease } from '../lib/lease.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbox } from './outbox.ts';
import type { Past } from './past.ts';
import type { PolicySource } from './policy-source.ts';
import { decisionBehind } from './queued-commands.ts';
import type { Sources } from './sources.ts';

export interface TakeOverOptions {
  lease: Lease;
  sources: Sources;
  policies: PolicySource;
  /** In force. */
  policy(): Policy;
  past: Past;
  outbox: Outbox;
  clock: Clock;
  log: Logger;
}

export interface TakeOver {
  /** The term while it is held and everything is in place to decide in it. */
  epoch(): number | undefined;
  /** Seeks leadership, and prepares each term, until `signal` is aborted. */
  run(options: { signal: AbortSignal }): Promise<void>;
}

/** Nothing is decided in a term before the past is known and what a predecessor left half done is completed. */
export function createTakeOver(options: TakeOverOptions): TakeOver {
  const { lease, sources, policies, policy, past, outbox, clock, log } = options;
  let readyFor: number | undefined;

  /** Each command gets its decision, each decision its command or the word that it has lapsed. */
  const settle = async (): Promise<void> => {
    const queued = await sources.queued();
    const orphans = past.unrecorded(queued.keys()).map((id) => sources.command(queued.get(id) ?? ''));
    const lost = (await Promise.all(orphans)).flatMap((one) => (one ? [decisionBehind(one, policy())] : []));
    // a reservation from now on, as if it had been read
    for (const decision of lost) past.decision(decision);
    await Promise.all([...lost.map(outbox.record), ...past.uncommanded(queued).map(outbox.complete)]);
  };

  const prepare = async (epoch: number): Promise<void> => {
    await sources.caughtUp();
    await policies.sync();
    await settle();
    readyFor = epoch;
    log.info({ epoch }, 'deciding');
  };

  const patiently = async (work: () => Promise<void>, goOn: () => boolean): Promise<void> => {
    while (goOn()) {
      try {
        return await work();
      } catch (error) {
        log.error({ err: error }, 'taking over failed; trying again');
        await clock.sleep(250);
      }
    }
  };
  const lead = (epoch: number): Promise<void> =>
    patiently(
      () => prepare(epoch),
      () => lease.epoch() === epoch,
    );

  return {
    epoch: () => {
      const epoch = lease.epoch();
      return epoch === readyFor ? epoch : undefined;
    },
    run: async ({ signal }) => {
      // earlier terms stand in the streams: a term must be higher than all of them
      let termsKnown = false;
      const learn = async (): Promise<void> => {
        await sources.caughtUp();
        termsKnown = true;
      };
      await Promise.all([
        patiently(learn, () => !signal.aborted),
        lease.run({ mayLead: () => termsKnown, onLead: (epoch) => void lead(epoch), signal }),
      ]);
    },
  };
}
