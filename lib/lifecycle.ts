import { flushCompileCache } from 'node:module';
import type { Logger } from './logger.ts';

export interface Closable {
  name: string;
  close(): Promise<void> | void;
}

export interface Lifecycle {
  /** Aborted on SIGTERM or SIGINT: stop the intake. */
  readonly signal: AbortSignal;
  /** Closed in reverse order of registration. */
  onClose(closable: Closable): void;
  /** Resolves when everything is closed; a close that takes longer than `graceMs` is given up and logged. */
  done(): Promise<void>;
  stop(reason: string): void;
}

export function createLifecycle(log: Logger, options: { graceMs?: number; process?: NodeJS.Process } = {}): Lifecycle {
  const source = options.process ?? process;
  const controller = new AbortController();
  const closables: Closable[] = [];
  const stop = (reason: string): void => {
    if (controller.signal.aborted) return;
    log.info({ reason }, 'stopping');
    controller.abort(new Error(reason));
  };
  source.once('SIGTERM', () => stop('SIGTERM'));
  source.once('SIGINT', () => stop('SIGINT'));
  return {
    signal: controller.signal,
    onClose: (closable) => closables.push(closable),
    stop,
    done: async () => {
      // all is loaded; else written at the exit, which a process that is killed never sees
      flushCompileCache();
      if (!controller.signal.aborted)
        await new Promise((resolve) => controller.signal.addEventListener('abort', resolve, { once: true }));
      for (const closable of closables.reverse()) await closeWithin(closable, options.graceMs ?? 5000, log);
    },
  };
}

async function closeWithin(closable: Closable, graceMs: number, log: Logger): Promise<void> {
  const timer = AbortSignal.timeout(graceMs);
  const timedOut = new Promise<never>((_, reject) =>
    timer.addEventListener('abort', () => reject(timer.reason), { once: true }),
  );
  try {
    await Promise.race([closable.close(), timedOut]);
  } catch (error) {
    log.warn({ err: error, part: closable.name }, 'close failed');
  }
}
