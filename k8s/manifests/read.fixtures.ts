import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const ruleSchema = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
const securitySchema = z.object({
  privileged: z.boolean().optional(),
  runAsNonRoot: z.boolean().optional(),
  runAsUser: z.number().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  capabilities: z.object({ drop: z.array(z.string()).optional(), add: z.array(z.string()).optional() }).optional(),
  seccompProfile: z.object({ type: z.string() }).optional(),
});
const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  ports: z.array(z.looseObject({ hostPort: z.number().optional() })).default([]),
  securityContext: securitySchema.default({}),
});
export const podSchema = z.looseObject({
  serviceAccountName: z.string().optional(),
  automountServiceAccountToken: z.boolean().optional(),
  hostNetwork: z.boolean().default(false),
  hostPID: z.boolean().default(false),
  hostIPC: z.boolean().default(false),
  securityContext: securitySchema.default({}),
  initContainers: z.array(containerSchema).default([]),
  containers: z.array(containerSchema).min(1),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
});
export type PodSpec = z.infer<typeof podSchema>;

export const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }).loose(),
  rules: z.array(ruleSchema).optional(),
  roleRef: z.object({ kind: z.string(), name: z.string() }).loose().optional(),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })).optional(),
  automountServiceAccountToken: z.boolean().optional(),
  spec: z.unknown().optional(),
});
export type ManifestObject = z.infer<typeof objectSchema> & { file: string };

/** All objects of the YAML files below `folder`, with the file each stands in; kustomizations are none. */
export function readManifests(folder: string): ManifestObject[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && basename(file) !== 'kustomization.yaml')
    .map((file) => join(folder, file));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1' }).map((document) => {
      if (document.errors[0]) throw new Error(`${file}: ${document.errors[0].message}`);
      return { ...objectSchema.parse(document.toJS()), file: relative(folder, file) };
    }),
  );
}

/** The pods that a workload makes; none for other objects. */
export function podsOf({ spec }: ManifestObject): PodSpec | undefined {
  const found = z.object({ template: z.object({ spec: podSchema }) }).safeParse(spec);
  return found.success ? found.data.template.spec : undefined;
}

const allowedVolumes = ['configMap', 'downwardAPI', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret'];

/** What Pod Security's level `restricted` forbids: kubernetes.io/docs/concepts/security/pod-security-standards. */
export function violations(pod: PodSpec): string[] {
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => pod[key]);
  const volumes = pod.volumes
    .filter((volume) => !Object.keys(volume).some((key) => allowedVolumes.includes(key)))
    .map(({ name }) => `volume ${name}`);
  const containers = [...pod.initContainers, ...pod.containers].flatMap(({ name, ports, securityContext: own }) => {
    const both = { ...pod.securityContext, ...own };
    const rules: [string, boolean][] = [
      ['privileged', !own.privileged],
      ['runAsNonRoot', both.runAsNonRoot === true && both.runAsUser !== 0],
      ['allowPrivilegeEscalation', own.allowPrivilegeEscalation === false],
      ['capabilities', own.capabilities?.drop?.join() === 'ALL' && !own.capabilities.add?.length],
      ['seccompProfile', ['RuntimeDefault', 'Localhost'].includes(both.seccompProfile?.type ?? '')],
      ['hostPort', ports.every(({ hostPort }) => hostPort === undefined)],
    ];
    return rules.filter(([, holds]) => !holds).map(([rule]) => `${name}: ${rule}`);
  });
  return [...host, ...volumes, ...containers];
}
