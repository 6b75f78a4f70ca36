import { z } from 'zod';
import { createInformer, type Informer } from '../../k8s/informer.ts';
import type { EdgeNode } from '../../k8s/objects/edge-node.ts';
import { kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { resources } from '../../k8s/resource.ts';
import type { ControllerTools } from '../controller.ts';
import { createReconciler } from '../reconciler.ts';

/** What admission reads to know whose pods get a sidecar. */
export const injectionConfigMap = 'godwit-injection';

const settingsSchema = kubeObjectSchema.extend({ data: z.record(z.string(), z.string()).optional() });

/** Value of its key `nodes`: names with a space between. */
export const injectionNodes = (edgeNodes: readonly Pick<EdgeNode, 'metadata' | 'spec'>[]): string =>
  edgeNodes
    .filter(({ spec }) => spec.monitoring === 'sidecar')
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(' ');

export interface InjectionNodes {
  /** Has the ConfigMap looked at: an EdgeNode has changed. */
  request(): void;
  run(options: { signal: AbortSignal }): Promise<void>;
}

/** Keeps the ConfigMap's list of nodes up to date, where sidecars are installed. */
export function followInjection(
  tools: Pick<ControllerTools, 'client' | 'namespace' | 'clock' | 'random' | 'log'>,
  edgeNodes: Pick<Informer<EdgeNode>, 'list' | 'synced'>,
): InjectionNodes {
  const { client, namespace, clock, random, log } = tools;
  const key = { namespace, name: injectionConfigMap };
  const work = async (): Promise<void> => {
    const settings = informer.get(key);
    const nodes = injectionNodes(edgeNodes.list());
    if (!settings || !edgeNodes.synced() || settings.data?.nodes === nodes) return;
    await client.patch(resources.configMaps, key, { kind: 'merge', body: { data: { nodes } } });
  };
  const reconciler = createReconciler({ name: 'injection', debounceMs: 100, work, clock, log });
  const request = (): void => reconciler.request(injectionConfigMap);
  const informer = createInformer({
    client,
    resource: resources.configMaps,
    selection: { namespace, fieldSelector: `metadata.name=${injectionConfigMap}` },
    schema: settingsSchema,
    onChange: request,
    ...{ clock, random, log },
  });
  return {
    request,
    run: async (options) => {
      await Promise.all([informer.run(options), reconciler.run(options)]);
    },
  };
}
