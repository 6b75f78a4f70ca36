import { z } from 'zod';
import { bytesSchema, coresSchema, nameSchema, ratioSchema, tierSchema, timestampSchema } from './names.ts';

export const containerSampleSchema = z.object({
  workload: nameSchema,
  /** Mean over the interval. */
  cpuCores: coresSchema,
  /** Usage less inactive file pages, as the kubelet's working set. */
  memoryBytes: bytesSchema,
  cpuLimitCores: coresSchema.optional(),
  memoryLimitBytes: bytesSchema.optional(),
  /** Share of the interval's scheduling periods in which the container was throttled. */
  throttledRatio: ratioSchema.optional(),
  /** PSI `some`, mean over 10 s. */
  cpuPressureRatio: ratioSchema.optional(),
  memoryPressureRatio: ratioSchema.optional(),
});
export type ContainerSample = z.infer<typeof containerSampleSchema>;

/** What the sidecar of a pod says of it; the node's monitor takes it into the node's message. */
export const podSampleSchema = z.object({
  sample: containerSampleSchema,
  /** As long as it stands for the present: about two intervals of the sidecar. */
  goodForMs: z.number().positive(),
});
export type PodSample = z.infer<typeof podSampleSchema>;

/** One message per node and interval; `site`, `node`, `boot` and `sequence` identify it for ever. */
export const telemetrySchema = z.object({
  site: nameSchema,
  node: nameSchema,
  tier: tierSchema,
  /** Random per start of the monitor. */
  boot: z.string().min(1).max(64),
  sequence: z.number().int().nonnegative(),
  at: timestampSchema,
  intervalMs: z.number().positive(),
  cpu: z.object({ usageCores: coresSchema, capacityCores: coresSchema, pressureRatio: ratioSchema.optional() }),
  memory: z.object({ usageBytes: bytesSchema, capacityBytes: bytesSchema, pressureRatio: ratioSchema.optional() }),
  containers: z.array(containerSampleSchema).max(1000),
});
export type Telemetry = z.infer<typeof telemetrySchema>;
