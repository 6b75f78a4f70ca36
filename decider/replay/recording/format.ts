import { z } from 'zod';
import { nameSchema, tierSchema } from '../../../lib/contract/names.ts';
import { nodeRecordSchema } from '../../../lib/contract/node.ts';

/**
 * A recording is gzip'd lines of JSON. First the head; then what is long is written once, with a number: each node's `series` and each
 * `workload`; then a sample is an array of numbers.
 */
export const headSchema = z.strictObject({ recording: z.literal('godwit'), version: z.literal(1) });

/** What seldom changes in a node's samples; a new one takes the place of the old. */
export const seriesSchema = z.strictObject({
  series: z.number().int().nonnegative(),
  site: nameSchema,
  node: nameSchema,
  tier: tierSchema,
  boot: z.string(),
  intervalMs: z.number().positive(),
  capacityCores: z.number().nonnegative(),
  capacityBytes: z.number().nonnegative(),
});
export type SeriesLine = z.infer<typeof seriesSchema>;

export const workloadLineSchema = z.strictObject({
  workload: z.number().int().nonnegative(),
  name: nameSchema,
  limitCores: z.number().nonnegative().optional(),
});

export const nodeLineSchema = z.strictObject({ node: nodeRecordSchema });

const amount = z.number().nonnegative();
/** Workload, cores, bytes, share of throttled periods. */
const containerSchema = z.tuple([amount, amount, amount, amount]);
/** Series, sequence, time, cores, bytes, then a container each. */
export const sampleLineSchema = z.tuple([amount, amount, amount, amount, amount], containerSchema);
export type SampleLine = z.infer<typeof sampleLineSchema>;

export const otherLineSchema = z.union([seriesSchema, workloadLineSchema, nodeLineSchema]);
