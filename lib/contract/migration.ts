import { z } from 'zod';
import {
  bytesSchema,
  idSchema,
  nameSchema,
  requestedStrategySchema,
  strategySchema,
  timestampSchema,
} from './names.ts';

/** Why a migration was asked for. */
export const triggerSchema = z.enum(['overload', 'return', 'manual']);
export type Trigger = z.infer<typeof triggerSchema>;

/** Message on `migration.v1.<site>.command.<migration>`. A repeated, stale or expired one does nothing, and says so. */
export const commandSchema = z.object({
  id: idSchema,
  workload: nameSchema,
  source: nameSchema,
  target: nameSchema,
  strategy: requestedStrategySchema,
  trigger: triggerSchema,
  /** Id of the decision behind it. */
  decision: idSchema,
  /** Term of the deciding leader. */
  epoch: z.number().int().positive(),
  issuedAt: timestampSchema,
  expiresAt: timestampSchema,
});
export type Command = z.infer<typeof commandSchema>;

/** The steps of the one executor, in their order. */
export const stages = [
  'prepare',
  'freeze',
  'dump',
  'transfer',
  'restore',
  'commit',
  'run',
  'switch',
  'release',
  'clean',
] as const;
export const stageSchema = z.enum(stages);
export type Stage = z.infer<typeof stageSchema>;

/**
 * `refused`: preflight said no, nothing was stopped. `rolled-back`: the source runs on. `failed`: neither promise could be kept,
 * the reason says what stands. `lost`: the running copy died before all of its pages had arrived.
 */
export const resultSchema = z.enum(['succeeded', 'rolled-back', 'refused', 'failed', 'in-doubt', 'lost']);
export type MigrationResult = z.infer<typeof resultSchema>;

/** The source agent's commit record: `open` until it turns, once and for ever, to one of the other two. */
export const recordSchema = z.enum(['open', 'committed', 'aborted']);
export type CommitRecord = z.infer<typeof recordSchema>;

export const measurementsSchema = z.object({
  /** Source stopped → target running, both nodes' CLOCK_REALTIME corrected by their measured offset. */
  freezeMs: z.number().optional(),
  /** Half the round trip of the offset measurement. */
  freezeErrorMs: z.number().optional(),
  totalMs: z.number().optional(),
  memoryBytes: bytesSchema.optional(),
  filesBytes: bytesSchema.optional(),
  /** Memory that the workload wrote before the freeze: bytes of distinct pages a second. */
  dirtyBytesPerSecond: z.number().nonnegative().optional(),
  /** Memory and changed files out of the frozen source and at the target. */
  dumpMs: z.number().optional(),
  lazy: z.boolean().optional(),
  /** Target running → all pages in. */
  drainMs: z.number().optional(),
});
export type Measurements = z.infer<typeof measurementsSchema>;

/** Message on `migration.v1.<site>.event.<migration>.<stage>`; a terminal one carries the result. */
export const migrationEventSchema = z.object({
  id: idSchema,
  workload: nameSchema,
  source: nameSchema,
  target: nameSchema,
  strategy: z.union([strategySchema, z.literal('auto')]),
  trigger: triggerSchema,
  decision: idSchema,
  epoch: z.number().int().positive(),
  term: z.number().int().nonnegative(),
  stage: z.union([stageSchema, z.enum(['requested', 'aborting', 'in-doubt', 'ended'])]),
  at: timestampSchema,
  result: resultSchema.optional(),
  /** One sentence; always present in a terminal event that is not `succeeded`. */
  reason: z.string().optional(),
  measurements: measurementsSchema.optional(),
});
export type MigrationEvent = z.infer<typeof migrationEventSchema>;
