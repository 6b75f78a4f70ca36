import { z } from 'zod';
import { type Resource, resources } from '../../k8s/resource.ts';
import { controllerOf, type OwnerReference, ownerReferenceSchema } from './pod.ts';
import type { Annotated } from './settings.ts';

/** Our own annotations; others, such as kubectl's copy of the whole object, only cost memory. */
const settingsSchema = z
  .record(z.string(), z.string())
  .default({})
  .transform((all) => Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('godwit.dev/'))));

/** What is read of a controller of pods. */
export const ownerSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: settingsSchema,
    ownerReferences: z.array(ownerReferenceSchema).default([]),
  }),
});
export type Owner = z.infer<typeof ownerSchema>;

/** Kinds whose annotations are read, with the group that serves them. */
export const ownerKinds = {
  ReplicaSet: 'apps',
  Deployment: 'apps',
  StatefulSet: 'apps',
  Job: 'batch',
  CronJob: 'batch',
} as const;
export type OwnerKind = keyof typeof ownerKinds;

export const ownerResources = {
  ReplicaSet: resources.replicaSets,
  Deployment: resources.deployments,
  StatefulSet: resources.statefulSets,
  Job: resources.jobs,
  CronJob: resources.cronJobs,
} as const satisfies Record<OwnerKind, Resource>;

export type FindOwner = (kind: OwnerKind, key: { namespace: string; name: string }) => Owner | undefined;

export interface Owners {
  /** Nearest first. */
  levels: Annotated[];
  /** Of all of them, also of the one that is missing. */
  uids: string[];
  /** One is known by its reference only. */
  missing: boolean;
}

/** The controllers above an object, as far as they are of kinds that are read: ReplicaSet → Deployment, Job → CronJob. */
export function ownersOf(owned: { namespace: string; ownerReferences: OwnerReference[] }, find: FindOwner): Owners {
  const owners: Owners = { levels: [], uids: [], missing: false };
  const { namespace } = owned;
  let reference = controllerOf(owned);
  while (reference && isRead(reference) && !owners.uids.includes(reference.uid)) {
    const { kind, name, uid } = reference;
    owners.uids.push(uid);
    const owner = find(kind, { namespace, name });
    if (owner?.metadata.uid !== uid) return { ...owners, missing: true };
    owners.levels.push({ kind, name, annotations: owner.metadata.annotations });
    reference = controllerOf(owner.metadata);
  }
  return owners;
}

function isRead(reference: OwnerReference): reference is OwnerReference & { kind: OwnerKind } {
  const { kind, apiVersion } = reference;
  return Object.hasOwn(ownerKinds, kind) && apiVersion.split('/')[0] === ownerKinds[kind as OwnerKind];
}
