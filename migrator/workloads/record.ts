import type { Store } from '../../lib/bus/kv.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NodeRecord, Workload } from '../../lib/contract/node.ts';
import { createKeyedQueue } from '../../lib/keyed-queue.ts';
import type { NodeConfig } from '../../lib/node-config.ts';

const refreshMs = 30_000;

export interface RecordDeps {
  config: NodeConfig;
  clock: Clock;
  store: Store<NodeRecord>;
  capacity: NodeRecord['capacity'];
  versions: Record<string, string>;
  workloads(): Promise<Workload[]>;
  /** Migrations whose target pod waits here; absent on a bare node. */
  inbound?: () => string[];
}

/** Publishes this node's record when its workloads change, and every 30 s. Returns one tick of that work; ticks take turns. */
export function createRecordPublisher(deps: RecordDeps): () => Promise<void> {
  let published = '';
  let publishedAt = Number.NEGATIVE_INFINITY;
  const inTurn = createKeyedQueue();
  const publish = async (): Promise<void> => {
    const seen = { workloads: await deps.workloads(), ...(deps.inbound && { inbound: deps.inbound() }) };
    const text = JSON.stringify(seen);
    const now = deps.clock.monotonic();
    if (text === published && now - publishedAt < refreshMs) return;
    await deps.store.put(deps.config.name, recordOf(deps, seen));
    published = text;
    publishedAt = now;
  };
  return () => inTurn('record', publish);
}

function recordOf(deps: RecordDeps, seen: Pick<NodeRecord, 'workloads' | 'inbound'>): NodeRecord {
  const { config } = deps;
  return {
    name: config.name,
    site: config.site,
    tier: config.tier,
    address: config.address,
    engines: [config.engine],
    versions: deps.versions,
    capacity: deps.capacity,
    ...(config.uplinkBytesPerSecond !== undefined && { uplinkBytesPerSecond: config.uplinkBytesPerSecond }),
    ...seen,
    updatedAt: deps.clock.now(),
  };
}
