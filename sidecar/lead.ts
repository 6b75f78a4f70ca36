import type { Clock } from '../lib/clock.ts';
import type { Lease } from '../lib/lease.ts';
import type { Logger } from '../lib/logger.ts';
import type { Controller } from './controller.ts';

export interface LeadOptions {
  lease: Lease;
  controllers: readonly Controller[];
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

const lookEveryMs = 250;

/** Runs the controllers in every term of this process, anew in each. Rejects when one of them fails. */
export async function lead({ lease, controllers, clock, log, signal }: LeadOptions): Promise<void> {
  const failure = new AbortController();
  const stopped = AbortSignal.any([signal, failure.signal]);
  let term: Promise<void> = Promise.resolve();

  const serve = async (epoch: number, before: Promise<void>): Promise<void> => {
    await before;
    const ended = new AbortController();
    const over = AbortSignal.any([stopped, ended.signal]);
    const running = controllers.map((controller) =>
      controller.run({ signal: over }).catch((error: unknown) => {
        if (over.aborted) return;
        log.error({ err: error, controller: controller.name }, 'controller failed');
        failure.abort(error);
      }),
    );
    while (!over.aborted && lease.epoch() === epoch)
      await clock.sleep(lookEveryMs, { signal: over }).catch(() => undefined);
    ended.abort(new Error(`term ${epoch} is over`));
    await Promise.all(running);
  };

  const onLead = (epoch: number): void => {
    term = serve(epoch, term);
    term.catch((error: unknown) => failure.abort(error));
  };
  await lease.run({ mayLead: () => true, onLead, signal: stopped });
  await term;
  if (failure.signal.aborted) throw failure.signal.reason;
}
