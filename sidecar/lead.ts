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

/**
 * Runs the controllers while this process leads, anew whenever it does again: in a new term, or in the same one after a renewal that came
 * late. Rejects when one of them fails.
 */
export async function lead({ lease, controllers, clock, log, signal }: LeadOptions): Promise<void> {
  const failure = new AbortController();
  const stopped = AbortSignal.any([signal, failure.signal]);
  const pause = (until: AbortSignal): Promise<void> =>
    clock.sleep(lookEveryMs, { signal: until }).catch(() => undefined);

  const serve = async (epoch: number): Promise<void> => {
    const ended = new AbortController();
    const over = AbortSignal.any([stopped, ended.signal]);
    log.info({ epoch }, 'controllers begin');
    const running = controllers.map((controller) =>
      controller.run({ signal: over }).catch((error: unknown) => {
        if (over.aborted) return;
        log.error({ err: error, controller: controller.name }, 'controller failed');
        failure.abort(error);
      }),
    );
    while (!over.aborted && lease.epoch() === epoch) await pause(over);
    ended.abort(new Error(`epoch ${epoch} is over`));
    await Promise.all(running);
    log.info({ epoch }, 'controllers ended');
  };

  const serving = async (): Promise<void> => {
    while (!stopped.aborted) {
      const epoch = lease.epoch();
      if (epoch === undefined) await pause(stopped);
      else await serve(epoch);
    }
  };
  await Promise.all([lease.run({ mayLead: () => true, onLead: () => undefined, signal: stopped }), serving()]);
  if (failure.signal.aborted) throw failure.signal.reason;
}
