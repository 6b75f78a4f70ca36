import { z } from 'zod';
import { type KubeObject, kubeObjectSchema } from '../../k8s/objects/meta.ts';
import type { Held } from './certificates.ts';

const files = { bundle: 'ca.crt', authorityKey: 'ca.key', certificate: 'tls.crt', key: 'tls.key' } as const;

const secretSchema = kubeObjectSchema.extend({
  data: z.object({ 'ca.crt': z.base64(), 'ca.key': z.base64(), 'tls.crt': z.base64(), 'tls.key': z.base64() }),
});

/** What a Secret holds; undefined when it is none of ours, or damaged. */
export function heldOf(secret: KubeObject): Held | undefined {
  const parsed = secretSchema.safeParse(secret);
  if (!parsed.success) return undefined;
  const read = (name: keyof Held): string => Buffer.from(parsed.data.data[files[name]], 'base64').toString();
  return {
    bundle: read('bundle'),
    authorityKey: read('authorityKey'),
    certificate: read('certificate'),
    key: read('key'),
  };
}

/** The Secret to write; `resourceVersion` of the one that was read, so that only one of several writers wins. */
export function secretOf(held: Held, key: { namespace: string; name: string }, resourceVersion: string | undefined) {
  const entries = Object.entries(files).map(([part, file]) => [file, held[part as keyof Held]] as const);
  return {
    metadata: { ...key, ...(resourceVersion !== undefined && { resourceVersion }) },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(entries.map(([file, content]) => [file, Buffer.from(content).toString('base64')])),
  };
}
