import { z } from 'zod';
import { nameSchema, tierSchema } from '../../lib/contract/names.ts';
import { conditionSchema, kubeObjectSchema } from './meta.ts';

/** A Kubernetes quantity of bytes, such as `2Gi`. */
const memoryQuantitySchema = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/, 'a quantity such as 2Gi or 512Mi');

/** Makes the node of its name one of Godwit's: its pods are workloads. */
export const edgeNodeSpecSchema = z.object({
  tier: tierSchema,
  site: nameSchema,
  /** Who samples the pods: a sidecar in each, or one monitor for the node. */
  monitoring: z.enum(['sidecar', 'node']).default('node'),
  /** What the node offers; by default what its kubelet says. */
  capacity: z.object({ cores: z.number().positive().optional(), memory: memoryQuantitySchema.optional() }).optional(),
  uplinkBytesPerSecond: z.int().positive().optional(),
});

export const edgeNodeStatusSchema = z.object({
  /** Ready, Monitored. */
  conditions: z.array(conditionSchema).optional(),
  observedGeneration: z.int().optional(),
  /** Pods on the node that could be workloads, and those that are. */
  pods: z.int().optional(),
  workloads: z.int().optional(),
  /** Of the programs that a move depends on, as the node's agent found them; `missing` where there is none. */
  versions: z.record(z.string(), z.string()).optional(),
});
export type EdgeNodeStatus = z.infer<typeof edgeNodeStatusSchema>;

export const edgeNodeSchema = kubeObjectSchema.extend({
  spec: edgeNodeSpecSchema,
  status: edgeNodeStatusSchema.optional(),
});
export type EdgeNode = z.infer<typeof edgeNodeSchema>;
