import { z } from 'zod';
import { stageSchema, triggerSchema } from '../../lib/contract/migration.ts';
import { idSchema, nameSchema } from '../../lib/contract/names.ts';
import { conditionSchema, kubeObjectSchema } from './meta.ts';

/** What a person, or the decider, asks for; it never changes. */
export const migrationSpecSchema = z.object({
  /** In the object's own namespace. */
  pod: nameSchema,
  /** Name of a node. */
  target: nameSchema,
  strategy: z.enum(['auto', 'restart', 'cold', 'warm']).default('auto'),
  trigger: triggerSchema.default('manual'),
  /** Id of the decision behind it. */
  decision: idSchema.optional(),
  /** Id of the migration, given by the decider, who knew it before the object was made; by default the object's uid. */
  id: idSchema.optional(),
  /** RFC 3339. Refused when it has not been taken up by then. */
  expiresAt: z.string().optional(),
});
export type MigrationSpec = z.infer<typeof migrationSpecSchema>;

/** `Pending`: not commanded yet. `Refused`: nothing was stopped. `RolledBack`: the source runs on. */
export const migrationPhases = [
  'Pending',
  'Refused',
  'Running',
  'Succeeded',
  'RolledBack',
  'Failed',
  'InDoubt',
  'Lost',
] as const;

export const migrationStatusSchema = z.object({
  phase: z.enum(migrationPhases).optional(),
  /** That was told last: a stage of the saga, or `requested`, `aborting`, `in-doubt`, `ended`. */
  stage: z.string().optional(),
  /** Node, workload and pod that it moves; the pod that takes it in. */
  source: z.string().optional(),
  workload: z.string().optional(),
  sourcePodUID: z.string().optional(),
  targetPod: z.string().optional(),
  path: z.enum(['runtime', 'image']).optional(),
  /** Accepted, Prepared, Committed, Completed. */
  conditions: z.array(conditionSchema).optional(),
  observedGeneration: z.int().optional(),
  /** RFC 3339. */
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  stageTimes: z.partialRecord(stageSchema, z.string()).optional(),
  freezeMs: z.number().optional(),
  downtimeMs: z.number().optional(),
  totalMs: z.number().optional(),
  memoryBytes: z.int().optional(),
  /** One sentence, of what did not succeed. */
  reason: z.string().optional(),
});
export type MigrationStatus = z.infer<typeof migrationStatusSchema>;

export const migrationSchema = kubeObjectSchema.extend({
  spec: migrationSpecSchema,
  status: migrationStatusSchema.optional(),
});
export type Migration = z.infer<typeof migrationSchema>;

/** By which command, events and the target pod's annotation name the migration. */
export const idOf = ({ spec, metadata }: Migration): string => spec.id ?? metadata.uid;
