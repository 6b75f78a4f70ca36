import { defaultPatience, runLoad } from '../../apps/loadgen/run.ts';
import type { Summary } from '../../apps/loadgen/tally.ts';

/** Enough to keep one core of the edge busy, and no more than people would send. */
const clients = 2;
const side = 384;

export interface Load {
  clients: number;
  stop(): Promise<Pick<Summary, 'answered' | 'failed' | 'retried' | 'statuses' | 'errors'>>;
}

/** Clients who send picture after picture, each its next one when the last has come back. */
export function startLoad(url: string): Load {
  const controller = new AbortController();
  const done = runLoad({
    ...defaultPatience,
    timeoutMs: 10_000,
    call: (n) => ({ url: `${url}/reduce?side=${side}&picture=${1 + (n % 1000)}`, method: 'GET', body: null }),
    loop: { kind: 'closed', clients },
    durationMs: 300_000,
    maxRequests: 100_000,
    signal: controller.signal,
  });
  return {
    clients,
    stop: async () => {
      controller.abort();
      const { answered, failed, retried, statuses, errors } = await done;
      return { answered, failed, retried, statuses, errors };
    },
  };
}
