import { z } from 'zod';
import {
  bytesSchema,
  coresSchema,
  idSchema,
  keepsSchema,
  nameSchema,
  requestedStrategySchema,
  tierSchema,
  timestampSchema,
} from './names.ts';

/** A pod, as people name it. */
export const podNameSchema = z.object({ namespace: nameSchema, name: nameSchema });
export type PodName = z.infer<typeof podNameSchema>;

/** What a node's migrator knows of one workload there. */
export const workloadSchema = z.object({
  name: nameSchema,
  /** Digest of the image's root file system, or `unmanaged` for a container that somebody else's `runc run` started. */
  image: z.string(),
  keeps: keepsSchema,
  strategy: requestedStrategySchema,
  /** False: never moved by the decider; people may still ask. */
  migrate: z.boolean(),
  /** One sentence why it can not move at all, from the preflight. */
  obstacle: z.string().optional(),
  /** What stands here is a copy whose memory never arrived whole; it does not run, and waits for a person. */
  lost: z.boolean().optional(),
  /** Where it was started; it returns there. */
  home: nameSchema,
  /** IPv4 address of its own, which moves with it. */
  address: z.string().optional(),
  requestedCores: coresSchema.optional(),
  requestedMemoryBytes: bytesSchema.optional(),
  /** Higher is more important; victims are taken from the lowest. */
  priority: z.number().int().default(0),
  startedAt: timestampSchema,
  /** In Kubernetes: the pod in which it runs now. */
  pod: podNameSchema.optional(),
});
export type Workload = z.infer<typeof workloadSchema>;

/** Value of key `<node>` in the bucket `nodes`, written by the node's migrator whenever it changes and at least every 30 s. */
export const nodeRecordSchema = z.object({
  name: nameSchema,
  site: nameSchema,
  tier: tierSchema,
  /** IPv4 address at which the other nodes reach its agent. */
  address: z.string(),
  engines: z.array(z.enum(['runc', 'kubernetes'])),
  versions: z.record(z.string(), z.string()),
  capacity: z.object({ cores: coresSchema, memoryBytes: bytesSchema }),
  /** Bytes per second that the site's uplink carries, as configured. */
  uplinkBytesPerSecond: z.number().positive().optional(),
  workloads: z.array(workloadSchema),
  /** Ids of migrations whose target pod waits on this node for its copy. */
  inbound: z.array(idSchema).optional(),
  updatedAt: timestampSchema,
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;
