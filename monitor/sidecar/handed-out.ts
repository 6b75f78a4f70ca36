import { join } from 'node:path';
import { z } from 'zod';
import { nameSchema } from '../../lib/contract/names.ts';

/** `node.json` in the folder that the node's monitor hands out: a pod is not told its node before it runs there. */
export const handedOutSchema = z.object({
  node: nameSchema,
  site: nameSchema,
  /** NATS client URLs that are reached from a pod. */
  servers: z.array(z.string()).min(1),
  intervalMs: z.number().positive(),
});
export type HandedOut = z.infer<typeof handedOutSchema>;

/** Paths of what lies in the folder. */
export const handedOutPaths = (folder: string) => ({
  node: join(folder, 'node.json'),
  ca: join(folder, 'ca.crt'),
  cert: join(folder, 'sidecar.crt'),
  key: join(folder, 'sidecar.key'),
});
