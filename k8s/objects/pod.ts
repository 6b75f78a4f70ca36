import { z } from 'zod';
import { kubeObjectSchema } from './meta.ts';

// What we read of pods; all other fields are kept as they are.

const mountSchema = z.looseObject({ name: z.string(), mountPath: z.string() });
export const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  tty: z.boolean().optional(),
  stdin: z.boolean().optional(),
  restartPolicy: z.string().optional(),
  volumeMounts: z.array(mountSchema).optional(),
  volumeDevices: z.array(z.unknown()).optional(),
  resources: z
    .looseObject({
      limits: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      requests: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    })
    .optional(),
});
export type Container = z.infer<typeof containerSchema>;

/** The source of a volume is the field beside its name. */
export const volumeSchema = z.looseObject({ name: z.string() });

export const tolerationSchema = z.looseObject({
  key: z.string().optional(),
  operator: z.string().optional(),
  value: z.string().optional(),
  effect: z.string().optional(),
});

const requirementSchema = z.looseObject({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).optional(),
});
export const nodeSelectorTermSchema = z.looseObject({
  matchExpressions: z.array(requirementSchema).optional(),
  matchFields: z.array(requirementSchema).optional(),
});

export const podSpecSchema = z.looseObject({
  containers: z.array(containerSchema),
  initContainers: z.array(containerSchema).optional(),
  volumes: z.array(volumeSchema).optional(),
  nodeName: z.string().optional(),
  runtimeClassName: z.string().optional(),
  restartPolicy: z.string().optional(),
  hostname: z.string().optional(),
  hostNetwork: z.boolean().optional(),
  hostPID: z.boolean().optional(),
  hostIPC: z.boolean().optional(),
  shareProcessNamespace: z.boolean().optional(),
  resourceClaims: z.array(z.unknown()).optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z.array(tolerationSchema).optional(),
  readinessGates: z.array(z.looseObject({ conditionType: z.string() })).optional(),
  affinity: z
    .looseObject({
      nodeAffinity: z
        .looseObject({
          requiredDuringSchedulingIgnoredDuringExecution: z
            .looseObject({ nodeSelectorTerms: z.array(nodeSelectorTermSchema) })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});

const containerStatusSchema = z.looseObject({
  name: z.string(),
  imageID: z.string().optional(),
  ready: z.boolean().optional(),
  state: z
    .looseObject({
      waiting: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      running: z.looseObject({}).optional(),
      terminated: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
    })
    .optional(),
});

const podConditionSchema = z.looseObject({
  type: z.string(),
  status: z.string(),
  /** RFC 3339, in seconds. */
  lastTransitionTime: z.string().nullish(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

export const podSchema = kubeObjectSchema.extend({
  spec: podSpecSchema,
  status: z
    .looseObject({
      phase: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      conditions: z.array(podConditionSchema).optional(),
      containerStatuses: z.array(containerStatusSchema).optional(),
    })
    .optional(),
});
export type Pod = z.infer<typeof podSchema>;

export const isTrue = (
  object: { status?: { conditions?: { type: string; status: string }[] | undefined } | undefined },
  type: string,
): boolean => object.status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false;
