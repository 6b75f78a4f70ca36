import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  type JetStreamOptions,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { toGodwitError } from '../errors.ts';
import { hubDomain } from '../node-config.ts';
import { encodeToken } from '../subjects.ts';

const seconds = (n: number): number => n * 1_000_000_000;
const mebibytes = (n: number): number => n << 20;

type StreamSpec = Pick<
  StreamConfig,
  'name' | 'subjects' | 'retention' | 'max_age' | 'max_bytes' | 'discard' | 'duplicate_window'
>;

const telemetry = (maxBytes: number): StreamSpec => ({
  name: 'TELEMETRY',
  subjects: ['telemetry.v1.>'],
  retention: RetentionPolicy.Limits,
  max_age: seconds(3600),
  max_bytes: maxBytes,
  discard: DiscardPolicy.Old,
  duplicate_window: seconds(120),
});

const hubStreams: StreamSpec[] = [
  {
    name: 'DECISIONS',
    subjects: ['decision.v1.>'],
    retention: RetentionPolicy.Limits,
    max_age: seconds(7 * 86_400),
    max_bytes: mebibytes(256),
    discard: DiscardPolicy.Old,
    duplicate_window: seconds(120),
  },
  {
    name: 'COMMANDS',
    subjects: ['migration.v1.*.command.>'],
    retention: RetentionPolicy.Workqueue,
    max_age: seconds(86_400),
    max_bytes: mebibytes(16),
    discard: DiscardPolicy.New,
    duplicate_window: seconds(600),
  },
  {
    name: 'EVENTS',
    subjects: ['migration.v1.*.event.>'],
    retention: RetentionPolicy.Limits,
    max_age: seconds(30 * 86_400),
    max_bytes: mebibytes(256),
    discard: DiscardPolicy.Old,
    duplicate_window: seconds(600),
  },
];

/** Key-value buckets of the hub; `leases` holds the decider's, with its epoch. */
export const buckets = ['policy', 'migrations', 'nodes', 'leases'] as const;
export type Bucket = (typeof buckets)[number];

/** Durable consumer of COMMANDS that all migrators share. */
export const commandConsumer = 'migrators';

/** A driver that stays silent for this long loses its command to another one. */
export const driverLeaseMs = 6000;

export const siteDomain = (site: string): string => encodeToken(site);

/** Creates or updates the stream of an edge site's leaf. */
export async function ensureLeafStreams(connection: NatsConnection): Promise<void> {
  await ensureStream(await jetstreamManager(connection), telemetry(mebibytes(64)));
}

/** Creates or updates the hub's streams, buckets and the command consumer; `sites` are the leaf domains to source telemetry from. */
export async function ensureHubStreams(connection: NatsConnection, sites: readonly string[]): Promise<void> {
  const manager = await jetstreamManager(connection);
  const sources = sites.map((site) => ({ name: 'TELEMETRY', domain: siteDomain(site) }));
  await ensureStream(manager, { ...telemetry(mebibytes(512)), sources });
  for (const stream of hubStreams) await ensureStream(manager, stream);
  const kvm = new Kvm(jetstream(connection));
  for (const bucket of buckets) await kvm.create(bucket, { history: bucket === 'policy' ? 20 : 1 });
  await manager.consumers.add('COMMANDS', {
    durable_name: commandConsumer,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: driverLeaseMs * 1_000_000,
    max_ack_pending: 64,
  });
}

async function ensureStream(manager: JetStreamManager, spec: StreamSpec & Partial<StreamConfig>): Promise<void> {
  const config = { ...spec, storage: StorageType.File };
  try {
    await manager.streams.add(config);
  } catch (error) {
    try {
      await manager.streams.update(spec.name, config);
    } catch {
      throw toGodwitError(error, 'E_BUS', `stream ${spec.name}`);
    }
  }
}

/**
 * JetStream options for a client that reaches the hub's streams through a leaf as well as directly. Fresh ones for each client: the
 * library writes the connection's private inbox into them.
 */
export const viaHub = (): JetStreamOptions => ({ domain: hubDomain });
