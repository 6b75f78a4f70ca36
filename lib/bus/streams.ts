import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type JetStreamOptions,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm, type KvOptions } from '@nats-io/kv';
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

const telemetry = (maxAgeSeconds: number, maxBytes: number): StreamSpec => ({
  name: 'TELEMETRY',
  subjects: ['telemetry.v1.>'],
  retention: RetentionPolicy.Limits,
  max_age: seconds(maxAgeSeconds),
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

/**
 * Key-value buckets of the hub; `leases` holds the decider's, with its epoch, `calm` what a restarted one needs to bring home, `pods` what
 * Kubernetes says of its workloads.
 */
export const buckets = ['policy', 'migrations', 'nodes', 'leases', 'calm', 'pods'] as const;
export type Bucket = (typeof buckets)[number];

/** Durable consumer of COMMANDS that all migrators share. */
export const commandConsumer = 'migrators';

/** A driver that stays silent for this long loses its command to another one. */
export const driverLeaseMs = 6000;

export const siteDomain = (site: string): string => encodeToken(site);

/** Creates or updates the stream of an edge site's leaf. */
export async function ensureLeafStreams(connection: NatsConnection): Promise<void> {
  await ensureStream(await jetstreamManager(connection), telemetry(3600, mebibytes(64)));
}

/** Creates or updates the hub's streams, buckets and the command consumer. */
export async function ensureHubStreams(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  if (!(await sourcesOf(manager))) await ensureStream(manager, hubTelemetry([]));
  for (const stream of hubStreams) await ensureStream(manager, stream);
  const kvm = new Kvm(jetstream(connection));
  for (const bucket of buckets) await kvm.create(bucket, optionsOf(bucket));
  await manager.consumers.add('COMMANDS', {
    durable_name: commandConsumer,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: driverLeaseMs * 1_000_000,
    max_ack_pending: 64,
  });
}

/** What is noted of a calm home means nothing to a decider that starts later. */
const calmNotesMs = 600_000;

const optionsOf = (bucket: Bucket): Partial<KvOptions> => ({
  history: bucket === 'policy' ? 20 : 1,
  ...(bucket === 'calm' && { ttl: calmNotesMs }),
});

/**
 * Has the hub source the telemetry of `sites`, and of no other; returns those whose leaf does not answer yet, to be tried again. A
 * source that is set up before its leaf is there is looked at again only half a minute later.
 */
export async function sourceSites(connection: NatsConnection, sites: readonly string[]): Promise<string[]> {
  const manager = await jetstreamManager(connection);
  const known = (await sourcesOf(manager)) ?? [];
  const answering = await Promise.all(
    sites.map(async (site) => known.includes(siteDomain(site)) || (await leafAnswers(connection, site))),
  );
  const wanted = sites.filter((_, index) => answering[index]).map(siteDomain);
  const same = wanted.length === known.length && wanted.every((domain) => known.includes(domain));
  if (!same) await ensureStream(manager, hubTelemetry(wanted));
  return sites.filter((_, index) => !answering[index]);
}

const hubTelemetry = (domains: readonly string[]): StreamSpec & Partial<StreamConfig> => ({
  // a day and more, for `godwit policy test`
  ...telemetry(25 * 3600, mebibytes(2048)),
  sources: domains.map((domain) => ({ name: 'TELEMETRY', domain })),
});

/** Domains that the hub's stream sources; `undefined` without a stream. */
async function sourcesOf(manager: JetStreamManager): Promise<string[] | undefined> {
  try {
    const { config } = await manager.streams.info('TELEMETRY');
    return (config.sources ?? []).map(({ external }) => external?.api.split('.')[1] ?? '');
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw toGodwitError(error, 'E_BUS', 'stream TELEMETRY');
  }
}

async function leafAnswers(connection: NatsConnection, site: string): Promise<boolean> {
  try {
    const subject = `$JS.${siteDomain(site)}.API.CONSUMER.NAMES.TELEMETRY`;
    const reply = await connection.request(subject, '{}', { timeout: 500 });
    return !('error' in reply.json<object>());
  } catch {
    return false;
  }
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
