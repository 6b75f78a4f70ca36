import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { applyStatus } from '../../k8s/apply.ts';
import { createEventRecorder } from '../../k8s/events.ts';
import { createInformer } from '../../k8s/informer.ts';
import { edgeNodeSchema } from '../../k8s/objects/edge-node.ts';
import { conditionSchema, kubeObjectSchema } from '../../k8s/objects/meta.ts';
import { resources } from '../../k8s/resource.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { podDeclarationsSchema } from '../../lib/contract/pod.ts';
import type { Controller, ControllerTools } from '../controller.ts';
import { unmonitoredTeller, withoutSidecar } from '../injection/unmonitored.ts';
import { createDeclarer } from '../pods/declarer.ts';
import { hasEnded } from '../pods/pod.ts';
import { createPodIndex } from '../pods/pod-index.ts';
import { createReconciler } from '../reconciler.ts';
import { followInjection } from './injection-nodes.ts';
import { sampleFinder } from './newest-sample.ts';
import { followRecords } from './records.ts';
import { statusOf } from './status.ts';

/** What is read of a node: whether it is ready. */
const nodeSchema = kubeObjectSchema.transform(({ metadata, status }) => ({
  metadata: { name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
  ready: nodeStatusSchema
    .parse(status ?? {})
    .conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
}));
const nodeStatusSchema = z.object({
  conditions: z.array(conditionSchema.pick({ type: true, status: true })).default([]),
});

const declareWithinMs = 100;
const statusWithinMs = 500;
/** Silence makes no event: it is looked for. */
const lookEveryMs = 10_000;

/** EdgeNodes: what the pods on their nodes declare goes into the bucket `pods`; how node, agent and monitor are doing, into their status. */
export function createEdgeNodeController(tools: ControllerTools): Controller {
  return { name: 'edge-nodes', run: ({ signal }) => runTerm(tools, signal) };
}

/** All that is known is of one term: a new leader starts from what the API server and the hub tell. */
async function runTerm(tools: ControllerTools, signal: AbortSignal): Promise<void> {
  const { client, connection, instance, clock, random, log } = tools;
  const shared = { client, clock, random, log };
  const recorder = createEventRecorder({ client, controller: 'godwit.dev/pods', instance, clock, log });
  const findSample = await sampleFinder(connection);
  const records = followRecords({
    store: await openStore(connection, 'nodes', nodeRecordSchema, log),
    changed: (node) => statuses.request(node),
    ...{ clock, log },
  });
  const index = createPodIndex({
    ...shared,
    podChanged: (node) => declarations.request(node),
    ownerChanged: (uid) => declarer.below(uid).forEach(declarations.request),
  });
  const edgeNodes = createInformer({
    ...shared,
    resource: resources.edgeNodes,
    schema: edgeNodeSchema,
    onChange: ({ object }) => {
      declarations.request(object.metadata.name);
      statuses.request(object.metadata.name);
      injection.request();
    },
  });
  const nodes = createInformer({
    ...shared,
    resource: resources.nodes,
    schema: nodeSchema,
    onChange: ({ object }) => statuses.request(object.metadata.name),
  });
  const injection = followInjection(tools, edgeNodes);
  const declarer = createDeclarer({
    store: await openStore(connection, 'pods', podDeclarationsSchema, log),
    index,
    checkpoints: tools.checkpoints,
    isEdgeNode: (name) => edgeNodes.get({ name }) !== undefined,
    recorder,
    clock,
  });
  const tellUnmonitored = unmonitoredTeller(recorder);

  const declare = async (node: string): Promise<void> => {
    await declarer.declare(node);
    statuses.request(node);
  };
  const tellStatus = async (name: string): Promise<void> => {
    const edgeNode = edgeNodes.get({ name });
    if (!edgeNode) return;
    const pods = index.on(name);
    const unmonitored = edgeNode.spec.monitoring === 'sidecar' ? withoutSidecar(pods) : [];
    const status = statusOf({
      edgeNode,
      node: nodes.get({ name }),
      record: records.get(name),
      newestSample: await findSample(edgeNode.spec.site, name),
      pods: pods.filter((pod) => !hasEnded(pod)).length,
      workloads: declarer.count(name),
      unmonitored: unmonitored.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      now: clock.now(),
    });
    if (!isDeepStrictEqual(status, edgeNode.status)) await applyStatus(client, resources.edgeNodes, { name }, status);
    await tellUnmonitored(name, unmonitored);
  };
  const declarations = createReconciler({
    ...{ name: 'declarations', debounceMs: declareWithinMs, work: declare },
    ...{ clock, log },
  });
  const statuses = createReconciler({
    ...{ name: 'edge node statuses', debounceMs: statusWithinMs, work: tellStatus },
    ...{ clock, log },
  });

  const reconcile = async (): Promise<void> => {
    const synced = (): boolean => index.synced() && edgeNodes.synced() && nodes.synced();
    while (!synced() && !signal.aborted) await clock.sleep(20, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    // of EdgeNodes that went while nobody looked
    for (const node of await declarer.recall()) declarations.request(node);
    await Promise.all([declarations.run({ signal }), statuses.run({ signal }), lookForSilence()]);
  };
  const lookForSilence = async (): Promise<void> => {
    while (!signal.aborted) {
      for (const { metadata } of edgeNodes.list()) statuses.request(metadata.name);
      await clock.sleep(lookEveryMs, { signal }).catch(() => undefined);
    }
  };
  const sources = [index, edgeNodes, nodes, records, injection];
  await Promise.all([...sources.map((source) => source.run({ signal })), reconcile()]);
}
