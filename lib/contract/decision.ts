import { z } from 'zod';
import { triggerSchema } from './migration.ts';
import { idSchema, nameSchema, requestedStrategySchema, timestampSchema } from './names.ts';
import { podNameSchema } from './node.ts';

const termSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);

/** What one stage of the pipeline saw and said. */
export const stageReportSchema = z.object({
  stage: z.enum(['signals', 'overload', 'victim', 'target', 'cost', 'budget', 'return', 'request']),
  outcome: z.enum(['pass', 'stop']),
  /** One sentence. */
  summary: z.string(),
  terms: z.record(z.string(), termSchema),
  /** Those considered and not chosen, best first, each with its terms and the reason. */
  candidates: z
    .array(
      z.object({ name: z.string(), chosen: z.boolean(), reason: z.string(), terms: z.record(z.string(), termSchema) }),
    )
    .optional(),
});
export type StageReport = z.infer<typeof stageReportSchema>;

/** Message on `decision.v1.<site>.<node>`. `verdict: "stay"` is a decision too: the last report says which stage stopped it. */
export const decisionSchema = z.object({
  id: idSchema,
  at: timestampSchema,
  epoch: z.number().int().positive(),
  site: nameSchema,
  node: nameSchema,
  verdict: z.enum(['migrate', 'stay']),
  trigger: triggerSchema,
  workload: nameSchema.optional(),
  /** In Kubernetes: the pod in which the workload runs. */
  pod: podNameSchema.optional(),
  source: nameSchema.optional(),
  target: nameSchema.optional(),
  strategy: requestedStrategySchema.optional(),
  /** Id of the migration that this decision commanded; absent when it stays, or when the policy only recommends (`dryRun`). */
  migration: idSchema.optional(),
  /** Id of a migration that an earlier decision commanded and that never was: its command was not stored before it had expired. */
  lapsed: idSchema.optional(),
  dryRun: z.boolean(),
  policy: z.object({ name: z.string(), version: z.string() }),
  /** The whole of it in one sentence that a person understands. */
  sentence: z.string(),
  reports: z.array(stageReportSchema),
});
export type Decision = z.infer<typeof decisionSchema>;

/** Request on `decider.v1.migrate`: a person asks; the leader checks it, records a decision and publishes the command. */
export const migrateRequestSchema = z.object({
  workload: nameSchema,
  target: nameSchema.optional(),
  strategy: requestedStrategySchema.default('auto'),
  dryRun: z.boolean().default(false),
});
export type MigrateRequest = z.infer<typeof migrateRequestSchema>;

export const migrateReplySchema = z.union([
  z.object({ ok: z.literal(true), decision: decisionSchema }),
  z.object({
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), next: z.string().optional() }),
  }),
]);
export type MigrateReply = z.infer<typeof migrateReplySchema>;
