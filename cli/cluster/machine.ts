import { z } from 'zod';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';

/** What is read of a v1 Node. */
export const nodeSchema = kubeObjectSchema.extend({
  status: z
    .object({
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      nodeInfo: z
        .object({ kubeletVersion: z.string().default(''), containerRuntimeVersion: z.string().default('') })
        .prefault({}),
    })
    .prefault({}),
});
export type KubeNode = z.infer<typeof nodeSchema>;

export const isReady = ({ status }: KubeNode): boolean =>
  status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
