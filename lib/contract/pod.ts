import { z } from 'zod';
import { nameSchema, timestampSchema } from './names.ts';
import { workloadSchema } from './node.ts';

/** Annotations on pods, and on their owners, that say how a workload is to be treated. */
export const podSettings = {
  /** `"false"`: the decider leaves it alone. */
  migrate: 'godwit.dev/migrate',
  /** A strategy's name. */
  strategy: 'godwit.dev/strategy',
  /** What has to survive a move: `nothing`, `files` or `memory`. */
  state: 'godwit.dev/state',
  /** `restart` or `checkpoint`: short for the strategies `restart` and `warm`. */
  restorePolicy: 'godwit.dev/restore-policy',
} as const;

/** Annotations that the migration controller puts on the pod that it creates at the target. */
export const inboundMarks = {
  /** Id of the migration whose copy the pod takes in. */
  migration: 'godwit.dev/migration',
  /** The workload's name, which it keeps from pod to pod. */
  workload: 'godwit.dev/workload',
  /** Node to which the workload returns. */
  home: 'godwit.dev/home',
  /** In a pod of several containers: the one that the copy comes into. The others start as usual. */
  container: 'godwit.dev/container',
} as const;

/** Name of the native sidecar that Godwit puts into pods of nodes with `monitoring: sidecar`. */
export const monitorContainer = 'godwit-monitor';

/** What the pod controller knows of a pod that is a workload: from its spec, its annotations and those of its owners. */
export const podDeclarationSchema = workloadSchema
  .omit({ lost: true, address: true, startedAt: true, pod: true })
  .extend({
    uid: z.string(),
    namespace: nameSchema,
    pod: nameSchema,
    /** The container that is the workload. */
    container: nameSchema,
    /** Repository of a registry, such as `registry.example/godwit/checkpoints`. Present: it moves as an image, without a runtime of ours. */
    checkpoints: z.string().optional(),
  });
/** The image by which a migration moves a pod. */
export const checkpointImage = (repository: string, migration: string): string => `${repository}:${migration}`;

export type PodDeclaration = z.infer<typeof podDeclarationSchema>;

/** Value of key `<node>` in the bucket `pods`, written by the pod controller: all pods that it knows on that node. */
export const podDeclarationsSchema = z.object({ pods: z.array(podDeclarationSchema), updatedAt: timestampSchema });
export type PodDeclarations = z.infer<typeof podDeclarationsSchema>;
