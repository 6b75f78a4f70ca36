import type { z } from 'zod';
import type { KubeClient } from '../../k8s/client.ts';
import type { Informer } from '../../k8s/informer.ts';
import type { OwnerReference } from '../../k8s/objects/meta.ts';
import { idOf, type Migration } from '../../k8s/objects/migration.ts';
import { kubeNodeSchema } from '../../k8s/objects/node.ts';
import { isTrue, type Pod, podSchema } from '../../k8s/objects/pod.ts';
import { type ObjectKey, type Resource, resources } from '../../k8s/resource.ts';
import type { Clock } from '../../lib/clock.ts';
import { parseAs } from '../../lib/parse.ts';
import { ownerOf } from './hand-over.ts';
import { namesakeOf } from './judge.ts';
import type { NodeRecords } from './node-records.ts';
import type { Answers, Observed } from './observed.ts';
import { adopters, controllerOf, type Owner, ownerSchema } from './owners.ts';
import type { Stories } from './stories.ts';

export interface ObserveOptions {
  client: KubeClient;
  clock: Clock;
  checkpoints: string | undefined;
  /** All Migrations of the cluster. */
  known(): readonly Migration[];
  /** Pods that were created for a copy. */
  targets: Informer<Pod>;
  records: NodeRecords;
  stories: Stories;
  /** By migration. */
  answers: ReadonlyMap<string, Answers>;
}

export type Observe = (migration: Migration) => Promise<Observed>;

/** Gathers what is known of a Migration. Pods are asked for by name: whoever moves one pod need not know all of the cluster's. */
export function createObserve(options: ObserveOptions): Observe {
  const { client, clock, checkpoints, known, targets, records, stories, answers } = options;
  const read = async <T>(schema: z.ZodType<T>, resource: Resource, key: ObjectKey): Promise<T | undefined> => {
    const found = await client.get(resource, key);
    return found && parseAs(schema, found, resource.kind);
  };
  const readOwner = async (
    of: OwnerReference | undefined,
    namespace: string | undefined,
  ): Promise<Owner | undefined> => {
    const resource = of && adopters[of.kind];
    return resource && read(ownerSchema, resource, { namespace, name: of.name });
  };
  return async (migration) => {
    const { metadata, spec, status } = migration;
    const { namespace } = metadata;
    const judged = isTrue({ status }, 'Accepted');
    const [source, node, created] = await Promise.all([
      read(podSchema, resources.pods, { namespace, name: spec.pod }),
      judged ? undefined : read(kubeNodeSchema, resources.nodes, { name: spec.target }),
      targetOf(status?.targetPod, namespace),
    ]);
    const reference = (created && ownerOf(created)) ?? (source && controllerOf(source));
    return {
      migration,
      others: known().filter((one) => isRival(migration, one)),
      namesake: namesakeOf(migration, known()),
      source,
      target: created,
      node,
      owner: await readOwner(reference, namespace),
      records: { source: records.get(source?.spec.nodeName ?? status?.source ?? ''), target: records.get(spec.target) },
      checkpoints,
      progress: stories.of(idOf(migration)),
      ...answers.get(idOf(migration)),
      now: clock.now(),
    };
  };

  async function targetOf(name: string | undefined, namespace: string | undefined): Promise<Pod | undefined> {
    if (name === undefined) return undefined;
    const key = { namespace, name };
    // a pod of somebody else with that name lacks the label
    return targets.get(key) ?? read(podSchema, resources.pods, key);
  }
}

const isRival = ({ metadata: { uid, namespace } }: Migration, { metadata, status }: Migration): boolean =>
  metadata.namespace === namespace && metadata.uid !== uid && !isTrue({ status }, 'Completed');
