import type { Store } from '../../lib/bus/kv.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Logger } from '../../lib/logger.ts';

export interface RecordOptions {
  store: Pick<Store<NodeRecord>, 'watch'>;
  changed(node: string): void;
  clock: Clock;
  log: Logger;
}

/** What the agents say of their nodes. */
export interface Records {
  get(node: string): NodeRecord | undefined;
  /** Follows the bucket until `signal` is aborted. */
  run(options: { signal: AbortSignal }): Promise<void>;
}

export function followRecords({ store, changed, clock, log }: RecordOptions): Records {
  const records = new Map<string, NodeRecord>();
  const follow = async (signal: AbortSignal): Promise<void> => {
    for await (const { key, value } of store.watch({ signal })) {
      if (value) records.set(key, value);
      else records.delete(key);
      changed(key);
    }
  };
  return {
    get: (node) => records.get(node),
    run: async ({ signal }) => {
      while (!signal.aborted) {
        await follow(signal).catch((error: unknown) => log.warn({ err: error }, 'node records can not be followed'));
        if (!signal.aborted) await clock.sleep(500, { signal }).catch(() => undefined);
      }
    },
  };
}
