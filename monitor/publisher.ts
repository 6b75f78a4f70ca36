import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { createRing } from './ring.ts';

/** Resolves when the server has stored the message. */
export type Send<T> = (message: T) => Promise<void>;

export interface PublisherOptions<T> {
  capacity: number;
  weigh: (message: T) => number;
  /** True for a fault that no later attempt can mend; the message is given up. */
  isHopeless: (error: unknown) => boolean;
  retryMs: number;
  clock: Clock;
  log: Logger;
}

export interface Publisher<T> {
  /** Takes the message in; drops the oldest ones when the buffer is full. */
  offer(message: T): void;
  /** From now on messages go out, oldest first. */
  start(send: Send<T>): void;
  /** Sends what is left for at most `graceMs`; then gives up. */
  close(graceMs: number): Promise<void>;
}

/**
 * One message in flight at a time, tried until the server has it: so order is kept, and whatever fits in the buffer outlives a
 * restart of the server. The message in flight is out of the buffer and can not be dropped.
 */
export function createPublisher<T>(options: PublisherOptions<T>): Publisher<T> {
  const { clock, log } = options;
  const ring = createRing(options.capacity, options.weigh);
  const givenUp = new AbortController();
  let send: Send<T> | undefined;
  let draining: Promise<void> | undefined;
  let failing = false;
  let dropped = 0;
  let lost = 0;

  const recovered = (): void => {
    if (failing) log.info({ waiting: ring.size, dropped }, 'publishing again');
    failing = false;
    dropped = 0;
  };
  /** True when the message is done with, sent or hopeless; false when it has to be tried again. */
  const attempt = async (message: T, deliver: Send<T>): Promise<boolean> => {
    try {
      await deliver(message);
      recovered();
      return true;
    } catch (error) {
      const hopeless = options.isHopeless(error);
      if (hopeless || !failing) log.warn({ err: error, hopeless }, 'publishing failed');
      failing ||= !hopeless;
      return hopeless;
    }
  };
  const drain = async (deliver: Send<T>): Promise<void> => {
    for (let message = ring.shift(); message !== undefined; message = ring.shift()) {
      while (!(await attempt(message, deliver))) {
        await clock.sleep(options.retryMs, givenUp).catch(() => undefined);
        if (givenUp.signal.aborted) {
          lost++;
          return;
        }
      }
    }
  };
  const kick = (): void => {
    if (!send || draining || ring.size === 0 || givenUp.signal.aborted) return;
    draining = drain(send).finally(() => {
      draining = undefined;
      kick();
    });
  };
  return {
    offer: (message) => {
      const before = dropped;
      dropped += ring.push(message);
      if (before === 0 && dropped > 0) log.warn({ waiting: ring.size }, 'buffer full: dropping the oldest messages');
      kick();
    },
    start: (deliver) => {
      send = deliver;
      kick();
    },
    close: async (graceMs) => {
      const timer = setTimeout(() => givenUp.abort(), graceMs);
      while (draining) await draining;
      clearTimeout(timer);
      lost += ring.size;
      if (lost > 0) log.warn({ lost }, 'stopped before everything was published');
    },
  };
}
