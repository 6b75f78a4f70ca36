import type { Store } from '../../lib/bus/kv.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PodDeclaration, PodDeclarations } from '../../lib/contract/pod.ts';
import type { PodContainer } from '../../lib/cri.ts';
import type { Logger } from '../../lib/logger.ts';

/** What the cluster's pod controller says of the pods of this node, as far as it has been heard. */
export interface Declarations {
  /** Resolves when they have been heard for the first time. */
  heard: Promise<void>;
  of(pod: Pick<PodContainer, 'uid' | 'container'>): PodDeclaration | undefined;
  /** Hears the bucket until `signal` is aborted; `onChange` is told of each change for this node. */
  follow(store: Store<PodDeclarations>, options: FollowOptions): Promise<void>;
}

export interface FollowOptions {
  node: string;
  onChange: () => void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

/** What containerd 2.1 notes as the name of every container that it restores from an image. */
const restoredName = 'containerd';

const restartMs = 500;

export function createDeclarations(): Declarations {
  let known: readonly PodDeclaration[] = [];
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const watch = async (store: Store<PodDeclarations>, { node, onChange, signal }: FollowOptions): Promise<void> => {
    known = (await store.get(node))?.value.pods ?? [];
    resolve();
    for await (const { key, value } of store.watch({ signal })) {
      if (key !== node) continue;
      known = value?.pods ?? [];
      onChange();
    }
  };
  return {
    heard,
    of: ({ uid, container }) =>
      known.find((one) => one.uid === uid && (one.container === container || container === restoredName)),
    follow: async (store, options) => {
      while (!options.signal.aborted) {
        await watch(store, options).catch((error: unknown) =>
          options.log.warn({ err: error }, 'watch of declarations ended; watching again'),
        );
        await options.clock.sleep(restartMs, { signal: options.signal }).catch(() => undefined);
      }
    },
  };
}
