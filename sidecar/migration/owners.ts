import { z } from 'zod';
import { kubeObjectSchema, type OwnerReference } from '../../k8s/objects/meta.ts';
import type { Pod } from '../../k8s/objects/pod.ts';
import { type Resource, resources } from '../../k8s/resource.ts';

/** What we read of a ReplicaSet or a Job. */
export const ownerSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    selector: z
      .looseObject({
        matchLabels: z.record(z.string(), z.string()).optional(),
        matchExpressions: z.array(z.unknown()).optional(),
      })
      .optional(),
    backoffLimit: z.number().optional(),
  }),
  status: z.looseObject({ failed: z.number().optional() }).optional(),
});
export type Owner = z.infer<typeof ownerSchema>;

/** Owners that take another pod in the place of one of theirs. */
export const adopters: Readonly<Record<string, Resource>> = {
  ReplicaSet: resources.replicaSets,
  Job: resources.jobs,
};

export const controllerOf = (pod: Pod): OwnerReference | undefined =>
  pod.metadata.ownerReferences?.find(({ controller }) => controller === true);

/** Written by the Deployment controller into its ReplicaSets' selectors; nobody else selects by it. */
const templateHash = 'pod-template-hash';

/** Labels by which only the pod's owner knows it: the target pod must not have them before the owner may count it. */
export function ownerLabels(pod: Pod, owner: Owner | undefined): Record<string, string> {
  const wanted = owner?.spec.selector?.matchLabels ?? {};
  const names = templateHash in wanted ? [templateHash] : Object.keys(wanted);
  const labels = pod.metadata.labels ?? {};
  return Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}

/** Why a pod of that owner can not be handed over, in one sentence. */
export function ownerObstacle(pod: Pod, owner: Owner | undefined): string | undefined {
  const reference = controllerOf(pod);
  if (!reference) return undefined;
  const { kind, name } = reference;
  if (kind === 'StatefulSet')
    return `StatefulSet ${name} wants its pod by its name, which the copy can not have while the source is there`;
  if (!adopters[kind]) return `${kind} ${name} does not take another pod in the place of its own`;
  if (!owner || owner.metadata.uid !== reference.uid) return `${kind} ${name}, to which it belongs, is gone`;
  if (Object.keys(ownerLabels(pod, owner)).length === 0)
    return `${kind} ${name} selects its pods by no label that could be given to the copy`;
  return kind === 'Job' ? jobObstacle(pod, owner) : undefined;
}

/** A Job counts the end of the source as a failure: one of its container where it is not restarted, or of a pod too many. */
function jobObstacle(pod: Pod, { metadata: { name }, spec, status }: Owner): string | undefined {
  if (pod.spec.restartPolicy === 'Never')
    return `Job ${name} would count the source's end as a failure, for its pods have restartPolicy Never; OnFailure would do`;
  const { backoffLimit = 6 } = spec;
  const failed = status?.failed ?? 0;
  if (failed >= backoffLimit)
    return `Job ${name} has no failure left (${failed} of ${backoffLimit}), and might count the source's end as one`;
  return undefined;
}
