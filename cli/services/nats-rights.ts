import { inboxPrefix } from '../../lib/bus/connect.ts';
import { type Bucket, commandConsumer } from '../../lib/bus/streams.ts';
import { hubDomain } from '../../lib/node-config.ts';
import {
  encodeToken,
  migrateRequestSubject,
  nodeSubject,
  podSampleSubject,
  telemetrySubject,
} from '../../lib/subjects.ts';

/** Subjects that a NATS user may publish and subscribe; `answers`: it may also reply to whoever asked it. */
export interface Rights {
  publish: string[];
  subscribe: string[];
  answers?: boolean;
}

/**
 * Where the user is connected. A server maps the JetStream subjects of its own domain before it checks rights, so that the same
 * request is judged by another subject at the hub than on its way through a leaf.
 */
export type Place = 'hub' | 'leaf';

const api = (place: Place, request: string): string =>
  place === 'hub' ? `$JS.API.${request}` : `$JS.${hubDomain}.API.${request}`;

/** Flow control and acknowledgements, in the short and in the long form of ADR-15. */
const consumerReplies = (kind: 'ACK' | 'FC', stream: string, consumer: string): string[] => [
  `$JS.${kind}.${stream}.${consumer}`,
  `$JS.${kind}.*.*.${stream}.${consumer}`,
];

/** To make consumers of one's own and read a stream with them. */
const readStream = (place: Place, stream: string): string[] => [
  api(place, `STREAM.INFO.${stream}`),
  api(place, `STREAM.MSG.GET.${stream}`),
  api(place, `DIRECT.GET.${stream}`),
  api(place, `DIRECT.GET.${stream}.>`),
  api(place, `CONSUMER.CREATE.${stream}`),
  api(place, `CONSUMER.CREATE.${stream}.>`),
  api(place, `CONSUMER.INFO.${stream}.*`),
  api(place, `CONSUMER.DELETE.${stream}.*`),
  api(place, `CONSUMER.MSG.NEXT.${stream}.*`),
  ...consumerReplies('ACK', stream, '>'),
  ...consumerReplies('FC', stream, '>'),
];

const readStreams = (place: Place, ...streams: string[]): string[] =>
  streams.flatMap((stream) => readStream(place, stream));
const readBuckets = (place: Place, ...buckets: Bucket[]): string[] =>
  readStreams(place, ...buckets.map((bucket) => `KV_${bucket}`));
const writeBucket = (place: Place, bucket: Bucket, key = '>'): string =>
  place === 'hub' ? `$KV.${bucket}.${key}` : api(place, `$KV.${bucket}.${key}`);

/** To work on the commands, and neither to make consumers nor to change them. */
const workOnCommands = (place: Place): string[] => [
  api(place, `CONSUMER.INFO.COMMANDS.${commandConsumer}`),
  api(place, `CONSUMER.MSG.NEXT.COMMANDS.${commandConsumer}`),
  ...consumerReplies('ACK', 'COMMANDS', `${commandConsumer}.>`),
];

const inbox = (user: string): string => `${inboxPrefix(user)}.>`;

export const monitorRights = (node: string, site: string): Rights => ({
  publish: [telemetrySubject(site, node)],
  subscribe: [inbox(`monitor.${node}`), podSampleSubject(site, node, '*')],
});

/** The sidecars of all pods of a node. */
export const sidecarRights = (node: string, site: string): Rights => ({
  publish: [podSampleSubject(site, node, '*')],
  subscribe: [inbox(`sidecar.${node}`)],
});

/** A migrator drives migrations of any source, hence the events of all sites and the agents of all nodes. */
export const migratorRights = (place: Place, node: string): Rights => ({
  publish: [
    'migration.v1.*.event.>',
    nodeSubject('*', '*'),
    api(place, 'INFO'),
    ...workOnCommands(place),
    ...readBuckets(place, 'nodes', 'migrations', 'pods'),
    writeBucket(place, 'nodes', node),
    writeBucket(place, 'migrations'),
  ],
  subscribe: [inbox(`migrator.${node}`), nodeSubject(node, '*')],
  answers: true,
});

export const deciderRights: Rights = {
  publish: [
    'decision.v1.>',
    'migration.v1.*.command.>',
    'migration.v1.*.event.*.requested',
    api('hub', 'INFO'),
    ...readStreams('hub', 'TELEMETRY', 'DECISIONS', 'EVENTS'),
    // which commands a predecessor has left there
    api('hub', 'STREAM.INFO.COMMANDS'),
    api('hub', 'STREAM.MSG.GET.COMMANDS'),
    ...readBuckets('hub', 'policy', 'migrations', 'nodes', 'leases', 'calm'),
    writeBucket('hub', 'policy'),
    writeBucket('hub', 'leases'),
    writeBucket('hub', 'calm'),
  ],
  subscribe: [inbox('decider'), 'decider.v1.>'],
  answers: true,
};

/** The controllers of a cluster: only they publish commands there, for its Migration objects. */
export const controllerRights: Rights = {
  publish: [
    'migration.v1.*.command.>',
    'migration.v1.*.event.*.requested',
    // of what is refused before it is commanded
    'migration.v1.*.event.*.ended',
    api('hub', 'INFO'),
    ...readStreams('hub', 'EVENTS'),
    // whether a node is monitored
    api('hub', 'STREAM.MSG.GET.TELEMETRY'),
    ...readBuckets('hub', 'policy', 'migrations', 'nodes', 'pods'),
    writeBucket('hub', 'policy'),
    // to ask for a cancellation
    writeBucket('hub', 'migrations'),
    writeBucket('hub', 'pods'),
  ],
  subscribe: [inbox('controller')],
};

/** What `godwit resolve` asks of agents: to end a copy, to let one run, to tidy up. Nothing that stops a workload or turns a record. */
const resolvingVerbs = ['status', 'abort', 'run', 'switch', 'release', 'clean'] as const;

/** People, by the command line. */
export const operatorRights: Rights = {
  publish: [
    migrateRequestSubject,
    ...resolvingVerbs.map((verb) => nodeSubject('*', verb)),
    'migration.v1.*.event.>',
    api('hub', 'INFO'),
    ...readStreams('hub', 'TELEMETRY', 'DECISIONS', 'EVENTS'),
    ...readBuckets('hub', 'policy', 'migrations', 'nodes', 'leases'),
    writeBucket('hub', 'policy', 'current'),
    writeBucket('hub', 'migrations'),
  ],
  subscribe: [inbox('operator')],
};

/** To create and update streams, buckets and the command consumer on the server that the user is connected to. */
const manageStreams = (streams: readonly string[], consumers: readonly string[]): string[] => [
  '$JS.API.INFO',
  ...streams.flatMap((stream) => ['CREATE', 'UPDATE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`)),
  ...consumers.map((consumer) => `$JS.API.CONSUMER.*.${consumer}`),
];

/** The hub's supervisor. */
export const hubRights: Rights = {
  // the last one asks a site's leaf whether its stream can be sourced
  publish: [...manageStreams(['*'], ['COMMANDS.>']), '$JS.*.API.CONSUMER.NAMES.TELEMETRY'],
  subscribe: [inbox('hub')],
};

/** The hub's own server certificate, in the system account: to see the links of leaves, and to end them. */
export const systemRights: Rights = {
  publish: ['VARZ', 'LEAFZ', 'KICK'].map((what) => `$SYS.REQ.SERVER.*.${what}`),
  subscribe: [inbox('nats.hub')],
};

/** A leaf's supervisor, on its own server. */
export const leafSupervisorRights = (site: string): Rights => ({
  publish: manageStreams(['TELEMETRY'], []),
  subscribe: [inbox(`leaf.${site}`)],
});

/**
 * A leaf server at the hub: what the migrators of its `nodes` may, their answers to those who may ask them, and what the hub needs to
 * source the site's telemetry. `publish` is what goes up, `subscribe` what comes down. A leaf passes on only what the list names, so
 * `allow_responses` would not do.
 */
export const leafRights = (site: string, nodes: readonly string[], others: readonly string[]): Rights => {
  const migrators = nodes.map((node) => migratorRights('leaf', node));
  const askers = ['operator', 'hub', ...others.map((node) => `migrator.${node}`)];
  const domain = encodeToken(site);
  return {
    publish: [...new Set(migrators.flatMap(({ publish }) => publish)), ...askers.map(inbox), '$JS.S.>', '$JSC.R.>'],
    subscribe: [
      ...migrators.flatMap(({ subscribe }) => subscribe),
      // a leaf announces its API by wildcards, and one wider than the right is refused whole
      `$JS.${domain}.API.CONSUMER.>`,
      ...consumerReplies('FC', 'TELEMETRY', '>'),
    ],
  };
};
