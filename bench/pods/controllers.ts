import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { createHttp, type Http } from '../../k8s/http.ts';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { type Resource, resources } from '../../k8s/resource.ts';
import { controllersUser } from '../../lab/kubernetes/certificates.ts';
import { labExec } from '../../lab/lab.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import type { Stage } from './stage.ts';

export interface ControllersCost {
  rssBytes: number;
  apiRequestsPerMinute: number;
  samplesPerMinute: number;
  edgeNodes: number;
}

const schemaName = 'godwit-bench-controllers';
const flowSchemas: Resource = {
  ...{ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', kind: 'FlowSchema', plural: 'flowschemas' },
  namespaced: false,
};
const minuteMs = 60_000;

/** Has the API server count what the controllers ask, from now on: it counts by FlowSchema, not by user. */
export async function countRequests({ client }: Stage['cluster']): Promise<void> {
  const all = ['*'];
  const resourceRules = [{ verbs: all, apiGroups: all, resources: all, namespaces: all, clusterScope: true }];
  const nonResourceRules = [{ verbs: all, nonResourceURLs: all }];
  const subjects = [{ kind: 'User', user: { name: controllersUser } }];
  const counted = {
    metadata: { name: schemaName },
    spec: {
      matchingPrecedence: 100,
      priorityLevelConfiguration: { name: 'workload-high' },
      distinguisherMethod: { type: 'ByUser' },
      rules: [{ subjects, resourceRules, nonResourceRules }],
    },
  };
  await client.create(flowSchemas, counted);
}

/** Of a minute in which nothing happens but samples. */
export async function controllersCost(cluster: Stage['cluster']): Promise<ControllersCost> {
  const { client, connection, kubeconfig, lab } = cluster;
  const http = createHttp(loadKubeConfig(kubeconfig));
  const manager = await jetstreamManager(connection, viaHub());
  const samples = async (): Promise<number> => (await manager.streams.info('TELEMETRY')).state.last_seq;
  const [requestsBefore, samplesBefore, began] = [await requests(http), await samples(), performance.now()];
  await delay(minuteMs);
  const [asked, sampled] = [(await requests(http)) - requestsBefore, (await samples()) - samplesBefore];
  const minutes = (performance.now() - began) / minuteMs;
  const { items } = await client.list(resources.edgeNodes, {});
  return {
    rssBytes: await residentBytes(lab),
    apiRequestsPerMinute: Math.round(asked / minutes),
    samplesPerMinute: Math.round(sampled / minutes),
    edgeNodes: items.length,
  };
}

/** @throws Error when the API server counts none at all */
async function requests({ send }: Http): Promise<number> {
  const text = await send('reading metrics', 'GET', '/metrics', { timeoutMs: 30_000 });
  const counts = text
    .split('\n')
    .filter((line) => line.startsWith('apiserver_flowcontrol_dispatched_requests_total{'))
    .filter((line) => line.includes(`flow_schema="${schemaName}"`))
    .map((line) => Number(line.split(' ').at(-1)));
  if (counts.length === 0) throw new Error(`the API server has no requests of ${controllersUser}`);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function residentBytes(lab: string): Promise<number> {
  const script = `
for folder in /proc/[0-9]*; do
  tr '\\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -q '^[^ ]*node [^ ]*sidecar/main.ts ' || continue
  sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p' "$folder/status"
done`;
  const { stdout } = await labExec(lab, 'hub', ['/bin/sh', '-c', script]);
  const found = stdout.split('\n').filter(Boolean).map(Number);
  if (found.length !== 1) throw new Error(`${found.length} processes of controllers in the hub`);
  return (found[0] ?? 0) * 1024;
}
