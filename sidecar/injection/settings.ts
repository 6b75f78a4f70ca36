import { z } from 'zod';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';

/** The ConfigMap `godwit-injection`; the admission policy reads the same one. */
export const settingsName = 'godwit-injection';

export const settingsSchema = kubeObjectSchema.extend({
  data: z.object({
    /** With the monitor in it. */
    image: z.string().min(1),
    /** Names, with a space between, of the nodes whose EdgeNode asks for sidecars; written by the EdgeNode controller. */
    nodes: z.string().default(''),
  }),
});

/** What new pods are given, and where. */
export interface InjectionSettings {
  image: string;
  nodes: readonly string[];
}

export const settingsOf = ({ data }: z.infer<typeof settingsSchema>): InjectionSettings => ({
  image: data.image,
  nodes: data.nodes.split(' ').filter(Boolean),
});
