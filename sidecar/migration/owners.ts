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

/** Why that owner, of a kind that adopts, can not get the copy of its pod, in one sentence. */
export function ownerObstacle(pod: Pod, owner: Owner | undefined): string | undefined {
  const reference = controllerOf(pod);
  if (!reference) return undefined;
  const { kind, name } = reference;
  if (!owner || owner.metadata.uid !== reference.uid) return `${kind} ${name}, to which it belongs, is gone`;
  if (Object.keys(ownerLabels(pod, owner)).length === 0)
    return `${kind} ${name} selects its pods by no label that could be given to the copy`;
  return kind === 'Job' ? jobObstacle(owner) : undefined;
}

/** A Job may count the end of the source as a failure: a pod too many. */
function jobObstacle({ metadata: { name }, spec, status }: Owner): string | undefined {
  const { backoffLimit = 6 } = spec;
  const failed = status?.failed ?? 0;
  if (failed >= backoffLimit)
    return `Job ${name} has no failure left (${failed} of ${backoffLimit}), and might count the source's end as one`;
  return undefined;
}
