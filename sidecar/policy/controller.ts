import { createEventRecorder, type KubeEvent } from '../../k8s/events.ts';
import { createInformer } from '../../k8s/informer.ts';
import { resources } from '../../k8s/resource.ts';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import type { Controller, ControllerTools } from '../controller.ts';
import { createReconciler } from '../reconciler.ts';
import { configMapSchema, hasNotes, type Judgement, judgePolicy, notesOn, policyConfigMap } from './judge.ts';

/**
 * The ConfigMap `godwit-policy` is the policy: a good text goes into the bucket, which deciders follow; of a bad one the ConfigMap itself
 * tells, and nothing changes. Without the ConfigMap what was in force stays in force.
 */
export function createPolicyController(tools: ControllerTools): Controller {
  const { client, connection, namespace, instance, clock, random, log } = tools;
  const key = { namespace, name: policyConfigMap };
  const recorder = createEventRecorder({ client, controller: 'godwit.dev/policy', instance, clock, log });

  const run = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    const bucket = await openPolicyBucket(connection);
    const work = async (): Promise<void> => {
      const configMap = informer.get(key);
      await bucket.writeOrigin(configMap && `ConfigMap ${namespace}/${policyConfigMap}`);
      if (!configMap) return;
      const judgement = judgePolicy(configMap);
      if (judgement.ok && (await bucket.read('current'))?.text !== judgement.text) {
        await bucket.write('current', judgement.text);
        log.info({ version: judgement.policy.version }, 'policy of the ConfigMap put into force');
      }
      const annotations = notesOn(judgement);
      if (hasNotes(configMap, annotations)) return;
      await recorder.record(resources.configMaps, configMap.metadata, eventOf(judgement));
      await client.patch(resources.configMaps, key, { kind: 'merge', body: { metadata: { annotations } } });
    };
    const reconciler = createReconciler({ name: 'policy', debounceMs: 20, work, clock, log });
    const informer = createInformer({
      client,
      resource: resources.configMaps,
      selection: { namespace, fieldSelector: `metadata.name=${policyConfigMap}` },
      schema: configMapSchema,
      onChange: () => reconciler.request(policyConfigMap),
      ...{ clock, random, log },
    });
    await Promise.all([informer.run({ signal }), reconciler.run({ signal })]);
  };
  return { name: 'policy', run };
}

function eventOf(judgement: Judgement): KubeEvent {
  const action = 'JudgePolicy';
  if (!judgement.ok) {
    const note = `the policy in force stays: ${judgement.faults.join('; ')}`;
    return { type: 'Warning', reason: 'PolicyRejected', action, note };
  }
  const { name, version } = judgement.policy;
  return { type: 'Normal', reason: 'PolicyAccepted', action, note: `${name}, version ${version}, is in force` };
}
