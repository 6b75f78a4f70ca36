import type { Store } from '../../lib/bus/kv.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NodeRecord, Workload } from '../../lib/contract/node.ts';
import { createKeyedQueue } from '../../lib/keyed-queue.ts';
import type { NodeConfig } from '../../lib/node-config.ts';
import { type Container, listContainers } from '../engine/container.ts';
import type { Paths } from '../paths.ts';
import { describeWorkload } from './describe.ts';
import { readManaged } from './store.ts';

const refreshMs = 30_000;

export interface RecordDeps {
  config: NodeConfig;
  paths: Paths;
  clock: Clock;
  store: Store<NodeRecord>;
  capacity: NodeRecord['capacity'];
  versions: Record<string, string>;
  /** Why the container can not move with its memory. */
  obstacleOf(container: Container): Promise<string | undefined>;
  /** True while the workload's copy here belongs to a migration and does not count as running. */
  isStopped(workload: string): boolean;
  /** Migration in which the copy here was lost. */
  lostIn(workload: string): string | undefined;
}

/** Publishes this node's record when its workloads change, and every 30 s. Returns one tick of that work; ticks take turns. */
export function createRecordPublisher(deps: RecordDeps): () => Promise<void> {
  let published = '';
  let publishedAt = Number.NEGATIVE_INFINITY;
  const inTurn = createKeyedQueue();
  const publish = async (): Promise<void> => {
    const workloads = await workloadsOf(deps);
    const text = JSON.stringify(workloads);
    const now = deps.clock.monotonic();
    if (text === published && now - publishedAt < refreshMs) return;
    await deps.store.put(deps.config.name, recordOf(deps, workloads));
    published = text;
    publishedAt = now;
  };
  return () => inTurn('record', publish);
}

async function workloadsOf(deps: RecordDeps): Promise<Workload[]> {
  const found: Workload[] = [];
  for (const container of await listContainers(deps.paths.runcRoot)) {
    const lostIn = deps.lostIn(container.id);
    if (lostIn === undefined && (!container.alive || deps.isStopped(container.id))) continue;
    const managed = await readManaged(deps.paths, container.id).catch(() => undefined);
    if (lostIn === undefined && managed?.state === 'inbound') continue;
    const obstacle = lostIn === undefined ? await deps.obstacleOf(container).catch(() => undefined) : lostText(lostIn);
    const workload = describeWorkload(container, managed, deps.config.name, obstacle);
    if (workload) found.push(lostIn === undefined ? workload : { ...workload, lost: true });
  }
  return found;
}

const lostText = (migration: string): string => `its memory was lost on the way: godwit resolve ${migration}`;

function recordOf(deps: RecordDeps, workloads: Workload[]): NodeRecord {
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
    workloads,
    updatedAt: deps.clock.now(),
  };
}
