import { z } from 'zod';
import { prepareResultSchema, receiveResultSchema } from './agent.ts';
import { commandSchema, measurementsSchema, recordSchema, resultSchema, stageSchema } from './migration.ts';
import { timestampSchema } from './names.ts';

/** Value of key `<migration>` in the bucket `migrations`: all that a driver needs to take a migration over. */
export const sagaStateSchema = z.object({
  command: commandSchema,
  /** Counts drivers; a driver with a lower term than the stored one has lost its migration. */
  term: z.number().int().positive(),
  driver: z.string(),
  direction: z.enum(['forward', 'backward', 'in-doubt', 'ended']),
  /** The step that is under way, or was when the driver died. */
  stage: stageSchema,
  record: recordSchema.optional(),
  cancelRequested: z.boolean().default(false),
  result: resultSchema.optional(),
  reason: z.string().optional(),
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
