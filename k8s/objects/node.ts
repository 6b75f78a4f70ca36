import { z } from 'zod';
import { kubeObjectSchema } from './meta.ts';

/** What we read of nodes. */
export const kubeNodeSchema = kubeObjectSchema.extend({
  spec: z
    .looseObject({
      unschedulable: z.boolean().optional(),
      taints: z.array(z.looseObject({ key: z.string(), value: z.string().optional(), effect: z.string() })).optional(),
    })
    .optional(),
  status: z
    .looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).optional() })
    .optional(),
});
export type KubeNode = z.infer<typeof kubeNodeSchema>;
