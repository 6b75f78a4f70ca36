import { expect } from 'vitest';
import { createKubeClient, type KubeClient } from '../../k8s/client.ts';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { idOf, type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { kubeNodeSchema } from '../../k8s/objects/node.ts';
import { isTrue, type Pod, podSchema } from '../../k8s/objects/pod.ts';
import { resources } from '../../k8s/resource.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { requireProgram } from '../../lab/kubernetes/software.ts';
import { labSettings } from '../../lab/settings.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { nodeRecordSchema } from '../../lib/contract/node.ts';
import { systemExec } from '../../lib/exec.ts';
import { counterImage, pushCounter } from './counter-image.ts';
import type { FleetNode, TestFleet } from './fleet.ts';
import { type BeatWatch, beating, repeatsIn, watchBeats } from './fleet-beats.ts';
import { tell } from './fleet-story.ts';
import { type PodSelf, selfOfPod } from './pod-answers.ts';
import { addressOfPod, logsOfPods, podCopiesOn } from './pod-facts.ts';
import { until } from './until.ts';

const namespace = 'default';
type Spec = Record<string, unknown>;

/** Pods of the counter app and Migrations on a fleet with controllers, as a person with kubectl has them. */
export interface PodObjects {
  client: KubeClient;
  kubectl(...args: string[]): Promise<string>;
  apply(object: object): Promise<void>;
  /** A Deployment of one counting pod on edge-1, which the cloud may take; resolves with it when its node reports it. */
  deploy(app: string, pod?: Spec): Promise<Pod>;
  /** The same as a pod of nobody. */
  bare(app: string, pod?: Spec): Promise<Pod>;
  /** Names of the pods that the node's agent reports as workloads. */
  reportedOn(node: string): Promise<string[]>;
  /** Of the app, those that are being deleted too. */
  podsOf(app: string): Promise<Pod[]>;
  /** Asks for a move, as soon as the target could take it; returns the object as it was created. */
  ask(object: string, pod: Pod): Promise<Migration>;
  migration(object: string): Promise<Migration | undefined>;
  untilPhase(object: string, phase: string, ms?: number): Promise<Migration>;
  /** Resolves when there are that many, all Ready and none being deleted. */
  untilPods(app: string, count: number): Promise<Pod[]>;
  /** What it says of itself, all of its memory checked. */
  selfOf(pod: Pod): Promise<PodSelf>;
  /** `node state` of each copy of the app's workload, wherever it is. */
  copies(app: string): Promise<string[]>;
  watch(app: string): BeatWatch;
}

export async function podObjects(fleet: TestFleet): Promise<PodObjects> {
  const client = createKubeClient(loadKubeConfig(fleet.kubeconfig));
  const { path: kube } = await requireProgram(labSettings(), 'kube');
  const kubectl = async (args: readonly string[], input?: string): Promise<string> =>
    (
      await systemExec(kube, ['kubectl', `--kubeconfig=${fleet.kubeconfig}`, ...args], {
        timeoutMs: 120_000,
        ...(input !== undefined && { input }),
      })
    ).stdout;
  const apply = async (object: object): Promise<void> =>
    void (await kubectl(['apply', '-f', '-'], JSON.stringify(object)));
  const migration: PodObjects['migration'] = async (name) => {
    const found = await client.get(resources.migrations, { name, namespace });
    return found && migrationSchema.parse(found);
  };
  const podsOf: PodObjects['podsOf'] = async (app) => {
    const { items } = await client.list(resources.pods, { namespace, labelSelector: `app=${app}` });
    return items.map((item) => podSchema.parse(item));
  };
  const untilPods: PodObjects['untilPods'] = (app, count) =>
    until(`${count} pods of ${app}`, 90_000, async () => {
      const found = await podsOf(app);
      const good = found.every((pod) => !pod.metadata.deletionTimestamp && isTrue(pod, 'Ready'));
      if (good && found.length === count) return found;
      throw new Error(
        JSON.stringify(found.map(({ metadata, status }) => [metadata.name, metadata.deletionTimestamp, status?.phase])),
      );
    });
  const records = await openStore(fleet.operator, 'nodes', nodeRecordSchema, fleet.log);
  const reportedOn: PodObjects['reportedOn'] = async (where) => {
    const { workloads = [] } = (await records.get(where))?.value ?? {};
    return workloads.flatMap((one) => one.pod?.name ?? []);
  };
  const reported = async (app: string): Promise<Pod> => {
    const [pod] = await untilPods(app, 1);
    if (!pod) throw new Error(`no pod of ${app}`);
    await until(`${pod.spec.nodeName} to report ${pod.metadata.name}`, 30_000, async () => {
      return (await reportedOn(pod.spec.nodeName ?? '')).includes(pod.metadata.name) || undefined;
    });
    return pod;
  };
  const node = (pod: Pod): FleetNode => fleet.node(pod.spec.nodeName ?? '');

  await pushCounter(fleet);
  for (const { name, kind, site } of fleet.workers) await apply(edgeNode(name, kind, site));
  return {
    client,
    kubectl: (...args) => kubectl(args),
    apply,
    deploy: async (app, pod = {}) => {
      await apply(deployment(app, pod));
      return reported(app);
    },
    bare: async (app, pod = {}) => {
      const metadata = { name: app, namespace, labels: { app } };
      await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec(pod) });
      return reported(app);
    },
    reportedOn,
    podsOf,
    ask: async (name, { metadata, spec }) => {
      const target = spec.nodeName === 'edge-1' ? 'cloud-1' : 'edge-1';
      await untilFit(client, target);
      const body = {
        ...{ apiVersion: 'godwit.dev/v1alpha1', kind: 'Migration', metadata: { name, namespace } },
        spec: { pod: metadata.name, target },
      };
      const made = await client.create(resources.migrations, body);
      return migrationSchema.parse(made);
    },
    migration,
    untilPhase: (object, phase, ms = 90_000) =>
      until(`${object} to be ${phase}`, ms, async () => {
        const found = await migration(object);
        if (found?.status?.phase === phase) return found;
        throw new Error(`${JSON.stringify(found?.status)}${found ? tell(fleet.story.of(idOf(found))) : ''}`);
      }),
    untilPods,
    selfOf: async (pod) => selfOfPod(fleet.name, 'hub', (await addressOfPod(node(pod), pod.metadata.uid)) ?? ''),
    copies: async (app) => {
      const workloads = fleet.workers.map(async (one) =>
        (await podCopiesOn(one, new RegExp(`^${namespace}\\.${app}(-|$)`))).map((state) => `${one.name} ${state}`),
      );
      return (await Promise.all(workloads)).flat();
    },
    watch: (app) => watchBeats(fleet.workers, app, (root) => logsOfPods(root, app)),
  };
}

/** After an outage Kubernetes holds a node for lost for a while, and a move to it would be refused. */
const untilFit = (client: KubeClient, name: string): Promise<true> =>
  until(`${name} to be Ready, and without taints`, 60_000, async () => {
    const found = await client.get(resources.nodes, { name });
    const node = found && kubeNodeSchema.parse(found);
    return (node && isTrue(node, 'Ready') && !node.spec?.taints?.length) || undefined;
  });

/** No two copies of one process ever ran; other pods of the app may. */
export async function expectNoTwin(watch: BeatWatch): Promise<void> {
  await watch.stop();
  expect(watch.beats.length).toBeGreaterThan(10);
  expect(repeatsIn(watch.beats)).toEqual([]);
}

const edgeNode = (name: string, tier: string, site: string): object => ({
  ...{ apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode' },
  ...{ metadata: { name }, spec: { tier, site } },
});

/** On edge-1 where it may be there; not bound to it, or the copy would be as well. */
const preferEdge = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, preference: { matchExpressions: [{ key: 'godwit.dev/tier', operator: 'In', values: ['edge'] }] } },
    ],
  },
};

function podSpec({ container = {}, ...more }: Spec): Spec {
  const env = { PATH: '/usr/bin:/bin', UV_USE_IO_URING: '0', PORT: '8080', MIB: '32', ...beating };
  return {
    runtimeClassName: 'godwit',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 5,
    affinity: preferEdge,
    containers: [
      {
        name: 'main',
        image: `${registry}/${counterImage}`,
        env: Object.entries(env).map(([name, value]) => ({ name, value })),
        readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
        ...(container as Spec),
      },
    ],
    ...more,
  };
}

const deployment = (app: string, pod: Spec): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app, namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: podSpec(pod) },
  },
});
