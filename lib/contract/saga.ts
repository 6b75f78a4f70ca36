import { z } from 'zod';
import { prepareResultSchema, receiveResultSchema } from './agent.ts';
import { commandSchema, measurementsSchema, recordSchema, resultSchema, stageSchema } from './migration.ts';
import { timestampSchema } from './names.ts';

/** What the saga does at a time: one verb asked of one node. `migrator/saga/steps.ts` holds what follows from each answer. */
export const sagaSteps = [
  'prepare',
  'receive',
  'freeze',
  'dump',
  'restore',
  'commit',
  'run',
  'destroy',
  'thaw',
  'switch',
  'drain',
  'release',
  'undo-source',
  'undo-target',
  'clean-source',
  'clean-target',
  'end',
] as const;
export const sagaStepSchema = z.enum(sagaSteps);
export type SagaStep = z.infer<typeof sagaStepSchema>;

/** What a person has decided of a migration in doubt, or lost. */
export const resolutionSchema = z.object({
  keep: z.enum(['source', 'target']),
  /** The node that they have attested to be gone for good. */
  dead: z.enum(['source', 'target']).optional(),
  /** The copy was lost: the target starts the workload from its files. */
  anew: z.boolean().default(false),
  /** In which it was decided. */
  term: z.number().int().positive(),
});
export type Resolution = z.infer<typeof resolutionSchema>;

/** Value of key `<migration>` in the bucket `migrations`: all that a driver needs to take a migration over. */
export const sagaStateSchema = z.object({
  command: commandSchema,
  /** Sequence of the command's message: the same one delivered again is a takeover, another one a repeated command. */
  commandSequence: z.number().int().positive(),
  /** Counts drivers; a driver with a lower term than the stored one has lost its migration. */
  term: z.number().int().positive(),
  driver: z.string(),
  direction: z.enum(['forward', 'backward', 'in-doubt', 'ended']),
  /** The step that is under way, or was when the driver died; a takeover asks for it again. */
  step: sagaStepSchema,
  /** The stage it belongs to; on the way back, the one that was given up. */
  stage: stageSchema,
  record: recordSchema.optional(),
  cancelRequested: z.boolean().default(false),
  /** Set once the outcome is settled; `ended` says that it has been told. */
  result: resultSchema.optional(),
  reason: z.string().optional(),
  resolution: resolutionSchema.optional(),
  prepared: prepareResultSchema.optional(),
  receive: receiveResultSchema.optional(),
  /** Start of each stage. */
  startedAt: z.partialRecord(stageSchema, timestampSchema),
  /** After this the forward direction is given up. */
  deadlineAt: timestampSchema,
  frozenAt: timestampSchema.optional(),
  runningAt: timestampSchema.optional(),
  measurements: measurementsSchema.default({}),
  updatedAt: timestampSchema,
});
export type SagaState = z.infer<typeof sagaStateSchema>;
