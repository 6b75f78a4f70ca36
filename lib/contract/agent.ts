import { z } from 'zod';
import { recordSchema } from './migration.ts';
import {
  bytesSchema,
  idSchema,
  keepsSchema,
  nameSchema,
  requestedStrategySchema,
  strategySchema,
  timestampSchema,
} from './names.ts';

/**
 * Verbs of a node's agent, asked on `node.v1.<node>.<verb>`. All are idempotent: a repeat answers what the first one did.
 * The agent keeps the highest epoch and the highest term of each migration on its disk and refuses lower ones.
 */
export const verbs = [
  'prepare',
  'receive',
  'freeze',
  'dump',
  'restore',
  'commit',
  'run',
  'switch',
  'release',
  'abort',
  'clean',
  'status',
] as const;
export const verbSchema = z.enum(verbs);
export type Verb = z.infer<typeof verbSchema>;

/** In every request. */
const headerShape = {
  migration: idSchema,
  epoch: z.number().int().positive(),
  term: z.number().int().positive(),
  /** The agent gives up, and answers E_TIMEOUT, at this time. */
  deadlineAt: timestampSchema,
};

/** What the target needs to know to stand in for the source: how the workload was started, and what it is made of. */
export const workloadSpecSchema = z.object({
  name: nameSchema,
  image: z.string(),
  keeps: keepsSchema,
  strategy: requestedStrategySchema,
  home: nameSchema,
  address: z.string().optional(),
  /** In Kubernetes: IPv4 address of the pod that it leaves. */
  podAddress: z.ipv4().optional(),
  restartPolicy: z.enum(['never', 'on-failure', 'always']),
  migrate: z.boolean(),
  priority: z.number().int(),
  requestedCores: z.number().nonnegative().optional(),
  requestedMemoryBytes: bytesSchema.optional(),
  startedAt: timestampSchema,
  /** CRIU's image of the source's CPU, base64; only for a move with memory. */
  cpu: z.string().optional(),
  /** It moves as an image that its kubelet makes: of which container, to which repository, and on which image it stands. */
  checkpoint: z.object({ container: z.string(), repository: z.string(), base: z.string() }).optional(),
  /** The OCI config.json as it stands at the source. */
  config: z.record(z.string(), z.unknown()),
});
export type WorkloadSpec = z.infer<typeof workloadSpecSchema>;

/** `prepare` at the source: preflight and measure; nothing is stopped. */
export const prepareRequestSchema = z.object({
  ...headerShape,
  workload: nameSchema,
  strategy: requestedStrategySchema,
});
export const prepareResultSchema = z.object({
  spec: workloadSpecSchema,
  /** `auto` resolved by what the workload keeps. */
  strategy: strategySchema,
  memoryBytes: bytesSchema,
  filesBytes: bytesSchema,
  dirtyBytesPerSecond: z.number().nonnegative().optional(),
  /** The checkpoint can go through a folder that the source shares with other nodes. */
  shared: z.boolean().optional(),
});

/** `receive` at the target: room, image, bundle, network, page server; whatever can stand before the freeze. */
export const receiveRequestSchema = z.object({
  ...headerShape,
  spec: workloadSpecSchema,
  strategy: strategySchema,
  source: nameSchema,
  sourceAddress: z.string(),
  memoryBytes: bytesSchema,
  filesBytes: bytesSchema,
  shared: z.boolean().optional(),
});
export const receiveResultSchema = z.object({
  /** Where the source pushes files and image metadata (mutual TLS). */
  data: z.object({ address: z.string(), port: z.number().int() }),
  /** Where the source's CRIU sends pages (mutual TLS); absent when no memory moves. */
  pages: z.object({ address: z.string(), port: z.number().int() }).optional(),
  /** The checkpoint goes through the folder that both nodes share, instead. */
  shared: z.boolean().optional(),
  /** Digest of an image that the target lacks and the source has to push first. */
  missingImage: z.string().optional(),
  /** In Kubernetes: IPv4 address of the pod that waits for the copy. */
  podAddress: z.ipv4().optional(),
});

/** `freeze` opens the commit record and stops the workload; the agent aborts by itself at `abortAt` unless it was committed. */
export const freezeRequestSchema = z.object({
  ...headerShape,
  strategy: strategySchema,
  /** Where to push written files before the freeze. */
  receive: receiveResultSchema,
  target: nameSchema,
  abortAt: timestampSchema,
});
export const freezeResultSchema = z.object({ frozenAt: timestampSchema });

/** `dump` sends memory, metadata and changed files to the target and ends when all of it has left. */
export const dumpRequestSchema = z.object({ ...headerShape, receive: receiveResultSchema });
export const dumpResultSchema = z.object({ memoryBytes: bytesSchema, filesBytes: bytesSchema, dumpMs: z.number() });

/** `restore` verifies what arrived and restores the copy, held: it exists and does not run. */
export const restoreRequestSchema = z.object({ ...headerShape });
export const restoreResultSchema = z.object({ heldAt: timestampSchema, lazy: z.boolean() });

/** `commit` at the source: turns the record from `open` to `committed`, syncs it, and answers what it is. */
export const commitRequestSchema = z.object({ ...headerShape });
export const commitResultSchema = z.object({ record: recordSchema });

/**
 * `run` at the target, with `committed` in hand: lets the held copy run and takes the address. `source-dead` stands for a record that
 * nobody can read any more, on a person's word. `anew`: what is left of a lost copy is ended, and the workload started from its files.
 */
export const runRequestSchema = z.object({
  ...headerShape,
  record: z.enum(['committed', 'source-dead']),
  anew: z.literal(true).optional(),
});
export const runResultSchema = z.object({ runningAt: timestampSchema, drained: z.boolean() });

/** `switch` at the source, after `committed`, where the source may begin by itself: gives up the address and resets the connections of the stopped copy. */
export const switchRequestSchema = z.object({ ...headerShape });
export const switchResultSchema = z.object({ switched: z.boolean() });

/** `release` at the source: the copy there ends for good. */
export const releaseRequestSchema = z.object({ ...headerShape });
export const releaseResultSchema = z.object({ released: z.boolean() });

/**
 * `abort`. At the source: turns an open record to `aborted` and thaws; after `committed` it thaws only with the target's attestation
 * that its copy is destroyed, or a person's that the target is dead. At the target: destroys a copy that never ran, or is lost, and
 * attests it; refuses when the copy has run, unless the source runs again because this node was taken for dead.
 */
export const abortRequestSchema = z.object({
  ...headerShape,
  reason: z.string(),
  attestation: z.enum(['destroyed', 'node-dead']).optional(),
  sourceRuns: z.literal(true).optional(),
});
export const abortResultSchema = z.object({
  record: recordSchema.optional(),
  /** Source: the workload runs here again. */
  running: z.boolean(),
  /** Target: no copy exists here, none will. */
  attestation: z.literal('destroyed').optional(),
});

/** `clean` removes what the migration left: images, bundles, journals. */
export const cleanRequestSchema = z.object({ ...headerShape });
export const cleanResultSchema = z.object({ cleaned: z.boolean() });

/** `status` needs no term: anybody may ask. */
export const statusRequestSchema = z.object({ migration: idSchema });
export const statusResultSchema = z.object({
  role: z.enum(['source', 'target', 'none']),
  record: recordSchema.optional(),
  copy: z.enum(['none', 'running', 'frozen', 'held', 'stopped']),
  /** Source, after `committed`: the target's copy counts as destroyed, and this one runs. */
  attested: z.boolean().optional(),
  drained: z.boolean().optional(),
  drainMs: z.number().optional(),
  /** Set when the page daemon died before all pages were in. */
  lost: z.boolean().optional(),
});

export const verbContract = {
  prepare: { request: prepareRequestSchema, result: prepareResultSchema },
  receive: { request: receiveRequestSchema, result: receiveResultSchema },
  freeze: { request: freezeRequestSchema, result: freezeResultSchema },
  dump: { request: dumpRequestSchema, result: dumpResultSchema },
  restore: { request: restoreRequestSchema, result: restoreResultSchema },
  commit: { request: commitRequestSchema, result: commitResultSchema },
  run: { request: runRequestSchema, result: runResultSchema },
  switch: { request: switchRequestSchema, result: switchResultSchema },
  release: { request: releaseRequestSchema, result: releaseResultSchema },
  abort: { request: abortRequestSchema, result: abortResultSchema },
  clean: { request: cleanRequestSchema, result: cleanResultSchema },
  status: { request: statusRequestSchema, result: statusResultSchema },
} as const;

export type VerbRequest<V extends Verb> = z.infer<(typeof verbContract)[V]['request']>;
export type VerbResult<V extends Verb> = z.infer<(typeof verbContract)[V]['result']>;

/** Envelope of every answer; `at` is the agent's wall clock when it answered, for the offset between nodes. */
export const agentReplySchema = z.union([
  z.object({ ok: z.literal(true), at: timestampSchema, result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    at: timestampSchema,
    error: z.object({ code: z.string(), message: z.string(), next: z.string().optional() }),
  }),
]);
export type AgentReply = z.infer<typeof agentReplySchema>;
