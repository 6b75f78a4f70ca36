import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { Registry } from '@prometheus-io/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKubeClient, type KubeClient } from '../../k8s/client.ts';
import { KubeError } from '../../k8s/kube-error.ts';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { edgeNodeSchema } from '../../k8s/objects/edge-node.ts';
import { migrationSchema } from '../../k8s/objects/migration.ts';
import { type Resource, resources } from '../../k8s/resource.ts';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labDown } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { openStore } from '../../lib/bus/kv.ts';
import { openPolicyBucket, type PolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { systemClock } from '../../lib/clock.ts';
import { podDeclarationsSchema } from '../../lib/contract/pod.ts';
import { policyVersion } from '../../lib/contract/policy.ts';
import { systemExec } from '../../lib/exec.ts';
import { createLogger } from '../../lib/logger.ts';
import { createEdgeNodeController } from '../../sidecar/edge-node/controller.ts';
import { createPolicyController } from '../../sidecar/policy/controller.ts';
import { clusterObstacle, kubectl, testClusterUp } from '../helpers/kubernetes.ts';
import { until } from '../helpers/until.ts';
import {
  commandsOf,
  decisionsOf,
  type FakeNode,
  fakeNode,
  type Hub,
  leads,
  publishEvent,
  publishSample,
  quickPolicy,
  sampleOf,
  startHub,
  writeRecord,
} from '../integration/decider-helpers.ts';

const gib = 2 ** 30;
const mebibyte = 2 ** 20;
const name = `test-${randomBytes(4).toString('hex')}`;
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    { name: 'edge-1', kind: 'edge' as const, site: 'plant', cores: 0.75, memoryBytes: gib },
  ],
};
const namespace = 'godwit-system';
const crds = resolve(import.meta.dirname, '../../k8s/manifests/crds');
/** The machine may be busy; what is waited for comes in a second or two otherwise. */
const patienceMs = 120_000;
const missing = await clusterObstacle();

let cluster: Cluster;
let client: KubeClient;
let hub: Hub;
let bucket: PolicyBucket;
let stopControllers = async (): Promise<void> => undefined;

beforeEach((context) => {
  if (missing) context.skip(missing);
});
beforeAll(async () => {
  if (missing) return;
  [cluster, hub] = await Promise.all([testClusterUp(spec), startHub()]);
  client = createKubeClient(loadKubeConfig(cluster.kubeconfig));
  bucket = await openPolicyBucket(hub.connection);
  await kube(['create', 'namespace', namespace]);
  await kube(['apply', '-k', crds]);
  await kube(['wait', '--for=condition=Established', 'crd', '--all']);
  // nothing moves here: plain runc serves
  await applied({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'godwit' }, handler: 'runc' });
  startControllers();
});
afterAll(async () => {
  await stopControllers();
  await hub?.close();
  await labDown(name);
});

const kube = (args: string[], input?: string): Promise<string> => kubectl(cluster, args, input);
const applied = (object: object): Promise<string> => kube(['apply', '-f', '-'], JSON.stringify(object));

/** As in a term of a leader; nobody carries out what the decider asks for. */
function startControllers(): void {
  const ended = new AbortController();
  const tools = { client, connection: hub.connection, namespace, instance: 'test', epoch: () => 1 };
  const log = createLogger('test', { level: process.env.LOG_LEVEL ?? 'silent' });
  const rest = { registry: new Registry(), clock: systemClock, random: Math.random, log };
  const running = [createEdgeNodeController, createPolicyController].map((create) =>
    create({ ...tools, ...rest }).run({ signal: ended.signal }),
  );
  stopControllers = async () => {
    ended.abort();
    await Promise.all(running);
  };
}

const declarations = async (node = 'edge-1') => {
  const store = await openStore(
    hub.connection,
    'pods',
    podDeclarationsSchema,
    createLogger('test', { level: 'silent' }),
  );
  return (await store.get(node))?.value.pods;
};
/** Of the pods of an app. */
const declared = async (app: string) => (await declarations())?.filter(({ pod }) => pod.startsWith(`${app}-`));

const container = {
  name: 'main',
  image: `${registry}/busybox:1`,
  args: ['sleep', '100000'],
  resources: { requests: { cpu: '10m', memory: '16Mi' } },
};
const podSpec = {
  nodeSelector: { 'kubernetes.io/hostname': 'edge-1' },
  terminationGracePeriodSeconds: 0,
  containers: [container],
};
const deployment = (app: string, annotations: Record<string, string>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: app, annotations },
  spec: {
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { ...podSpec, runtimeClassName: 'godwit' } },
  },
});
const edgeNode = {
  apiVersion: 'godwit.dev/v1alpha1',
  kind: 'EdgeNode',
  metadata: { name: 'edge-1' },
  spec: { tier: 'edge', site: 'plant' },
};

/** Notes of the events about an object. */
async function eventsOf(object: string, where: string): Promise<string[]> {
  const { items } = await client.list(resources.events, { namespace: where });
  const events = items as { regarding?: { name?: string }; reason?: string; note?: string }[];
  return events.filter(({ regarding }) => regarding?.name === object).map(({ reason, note }) => `${reason}: ${note}`);
}

async function conditionsOf(node: string): Promise<Record<string, string>> {
  const { status } = edgeNodeSchema.parse(await client.get(resources.edgeNodes, { name: node }));
  return Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  );
}

describe('an EdgeNode', () => {
  test('makes the pods on its node workloads, with what their owners say', async () => {
    const files = { '/usr/bin/busybox': '/busybox' };
    await pushImage(labSettings(), name, 'hub', { name: 'busybox:1', files, entrypoint: ['/busybox'] });
    await applied(deployment('shop', { 'godwit.dev/restore-policy': 'restart' }));
    await kube(['rollout', 'status', 'deployment/shop', '--timeout=90s']);
    expect(await declarations()).toBeUndefined();
    await applied(edgeNode);
    const pods = await until('the declaration', patienceMs, async () =>
      (await declared('shop'))?.length === 1 ? declarations() : undefined,
    );
    // those of the name service are pods of a DaemonSet
    expect(pods).toEqual([
      {
        name: expect.stringMatching(/^default\.shop-/) as string,
        uid: expect.any(String) as string,
        namespace: 'default',
        pod: expect.stringMatching(/^shop-/) as string,
        container: 'main',
        image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
        strategy: 'restart',
        keeps: 'nothing',
        migrate: true,
        home: 'edge-1',
        priority: 0,
        requestedCores: 0.01,
        requestedMemoryBytes: 16 * mebibyte,
      },
    ]);
    expect(await kube(['get', 'edgenodes'])).toMatch(/edge-1 +edge +plant/);
  });

  test('follows an annotation of the Deployment, though no pod changes', async () => {
    const before = await declared('shop');
    await kube(['annotate', 'deployment/shop', 'godwit.dev/migrate=false']);
    const after = await until('the setting', patienceMs, async () => {
      const [one] = (await declared('shop')) ?? [];
      return one?.migrate === false ? one : undefined;
    });
    expect(after).toEqual({ ...before?.[0], migrate: false });
  });

  test('has its pods say why they can not move, and what is written wrong', async () => {
    const annotations = { 'godwit.dev/strategy': 'live' };
    await applied({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'wrong-1', annotations }, spec: podSpec });
    const [one] = await until('the declaration', patienceMs, async () => {
      const found = await declared('wrong');
      return found?.length ? found : undefined;
    });
    expect(one).toMatchObject({
      strategy: 'auto',
      obstacle: expect.stringMatching(/^its runtimeClassName is not set/) as string,
    });
    const events = await until('the event', patienceMs, async () => {
      const found = (await eventsOf('wrong-1', 'default')).filter((event) => event.startsWith('BadAnnotation'));
      return found.length > 0 ? found : undefined;
    });
    expect(events).toEqual([
      'BadAnnotation: Pod wrong-1: metadata.annotations[godwit.dev/strategy]: expected auto, restart, cold or warm, received "live"',
    ]);
  });

  test('forgets a pod that is deleted', async () => {
    await kube(['delete', 'pod', 'wrong-1', '--now']);
    await until('its end', patienceMs, async () => ((await declared('wrong'))?.length === 0 ? true : undefined));
    expect(await declared('shop')).toHaveLength(1);
  });

  test('tells how node, agent and monitor are doing', async () => {
    const silent = { Ready: 'False NoAgent', Monitored: 'False NoSamples' };
    expect(
      await until('the status', patienceMs, async () => {
        const found = await conditionsOf('edge-1');
        return found.Monitored ? found : undefined;
      }),
    ).toEqual(silent);
    const node: FakeNode = { ...fakeNode('edge-1', 'edge'), site: 'plant' };
    await writeRecord(hub, node, { engines: ['kubernetes'] });
    await publishSample(hub, sampleOf(node));
    const well = await until('the conditions', patienceMs, async () => {
      const found = await conditionsOf('edge-1');
      return found.Ready?.startsWith('True') && found.Monitored?.startsWith('True') ? found : undefined;
    });
    expect(well).toEqual({ Ready: 'True AgentReports', Monitored: 'True Sampled' });
    const { status, metadata } = edgeNodeSchema.parse(await client.get(resources.edgeNodes, { name: 'edge-1' }));
    expect(status).toMatchObject({ workloads: 1, pods: 2, observedGeneration: metadata.generation });
    await until('the monitor to be missed', patienceMs, async () => {
      const { Monitored } = await conditionsOf('edge-1');
      return Monitored === 'Unknown SamplesStopped' || undefined;
    });
  });

  test('takes its declarations with it, also when nobody looked', async () => {
    await kube(['delete', 'edgenode', 'edge-1']);
    await until('their end', patienceMs, async () => ((await declarations()) === undefined ? true : undefined));
    await applied(edgeNode);
    await until('them again', patienceMs, async () => ((await declared('shop'))?.length === 1 ? true : undefined));
    await stopControllers();
    await kube(['delete', 'edgenode', 'edge-1']);
    expect(await declared('shop')).toHaveLength(1);
    startControllers();
    await until('their end', patienceMs, async () => ((await declarations()) === undefined ? true : undefined));
  });
});

const policyOf = (text: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'godwit-policy', namespace },
  data: { 'policy.yaml': text },
});

describe('the policy', () => {
  const notes = async () =>
    (await client.get(resources.configMaps, { namespace, name: 'godwit-policy' }))?.metadata.annotations;

  /** As a person with an editor that replaces one text by another. */
  async function edit(from: string, to: string): Promise<void> {
    const [program = '', ...first] = cluster.kubectl.split(' ');
    const args = [
      ...first,
      `--kubeconfig=${cluster.kubeconfig}`,
      '-n',
      namespace,
      'edit',
      'configmap',
      'godwit-policy',
    ];
    await systemExec(program, args, {
      timeoutMs: 30_000,
      env: { ...process.env, KUBE_EDITOR: `sed -i 's/${from}/${to}/'` },
    });
  }

  test('of the ConfigMap is in force, and so is every edit of it', async () => {
    const decider = await hub.decider();
    await leads(decider);
    await applied(policyOf(quickPolicy()));
    const inForce = (version: string) =>
      until('the policy', patienceMs, async () => {
        const status = await bucket.readStatus();
        return status?.state === 'in-force' && status.version === version ? status : undefined;
      });
    await inForce(policyVersion(quickPolicy()));
    const edited = quickPolicy().replace('name: quick', 'name: quicker');
    const began = performance.now();
    await edit('name: quick', 'name: quicker');
    expect((await inForce(policyVersion(edited))).inForce.name).toBe('quicker');
    console.log(`kubectl edit, started to in force: ${Math.round(performance.now() - began)} ms`);
    expect((await bucket.read('current'))?.text).toBe(edited);
    await until('the note', patienceMs, async () =>
      (await notes())?.['godwit.dev/in-force']?.startsWith('quicker,') ? true : undefined,
    );
    await decider.stop();
  });

  test('stays what it was when an edit has faults; the ConfigMap says which', async () => {
    const decider = await hub.decider();
    await leads(decider);
    const before = await bucket.read('current');
    await edit('minWorkloadAge', 'minWorkloadAges');
    const told = await until('the refusal', patienceMs, async () => {
      const found = await notes();
      return found?.['godwit.dev/accepted'] === 'false' ? found : undefined;
    });
    expect(told).toMatchObject({
      'godwit.dev/faults': 'line 7: spec.victim.minWorkloadAges: unknown field',
      'godwit.dev/in-force': expect.stringMatching(/^quicker, version/) as string,
    });
    expect(await eventsOf('godwit-policy', namespace)).toContainEqual(
      'PolicyRejected: the policy in force stays: line 7: spec.victim.minWorkloadAges: unknown field',
    );
    expect(await bucket.read('current')).toEqual(before);
    expect((await bucket.readStatus())?.inForce.name).toBe('quicker');
    await edit('minWorkloadAges', 'minWorkloadAge');
    await until('the correction', patienceMs, async () => {
      const found = await notes();
      return found?.['godwit.dev/accepted'] === 'true' && !found['godwit.dev/faults'] ? true : undefined;
    });
    expect(await bucket.read('current')).toEqual(before);
    await decider.stop();
  });

  test('of a ConfigMap that is deleted stays in force, and may be changed at the hub', async () => {
    expect(await bucket.readOrigin()).toBe('ConfigMap godwit-system/godwit-policy');
    const before = await bucket.read('current');
    await kube(['delete', 'configmap', 'godwit-policy', `--namespace=${namespace}`]);
    await until('the hub to be told', patienceMs, async () => (await bucket.readOrigin()) === undefined || undefined);
    expect(await bucket.read('current')).toEqual(before);
  });
});

describe('a decider in a cluster', () => {
  const migrations = async () => {
    const { items } = await client.list(resources.migrations, {});
    return items.map((item) => migrationSchema.parse(item));
  };

  const edge = fakeNode('edge-2', 'edge');
  const cloud = fakeNode('cloud-2', 'cloud', 8);
  const nodes = [cloud, edge];
  const write = async (): Promise<void> => {
    for (const node of nodes) await writeRecord(hub, node, { engines: ['kubernetes'] });
  };

  /** edge-2 is hot: its trainer, a pod of another namespace, is to leave it for cloud-2. */
  async function heat(): Promise<void> {
    const facts = (pod: string) => ({ pod: { namespace: 'plant', name: pod } });
    const home = 'edge-2';
    edge.workloads.set('plant.trainer', { cores: 1.7, memoryBytes: 512 * mebibyte, home, facts: facts('trainer-x1') });
    edge.workloads.set('plant.api', { cores: 1.9, memoryBytes: 1024 * mebibyte, home, facts: facts('api-x1') });
    await write();
  }
  const sampled = async (): Promise<void> => {
    for (const node of nodes) await publishSample(hub, sampleOf(node));
  };
  const enforce = async (text: string): Promise<void> => {
    await applied(policyOf(text));
    await until('the policy', patienceMs, async () => (await bucket.read('current'))?.text === text || undefined);
  };
  const decidedMoves = async () => (await decisionsOf(hub)).filter(({ migration }) => migration !== undefined);

  test('creates one Migration of one decision, though the first leader dies before it could', async () => {
    await kube(['create', 'namespace', 'plant']);
    await enforce(quickPolicy('  budgets: { commandExpiration: 10m }'));
    await heat();
    const away: KubeClient = {
      ...client,
      create: async (resource: Resource) => {
        throw new KubeError(`creating ${resource.kind}: no answer`, { status: 0, reason: '' });
      },
    };
    const first = await hub.decider({ cluster: away });
    await until('a decision', patienceMs, async () => {
      await sampled();
      return (await decidedMoves()).length > 0 || undefined;
    });
    expect(await migrations()).toEqual([]);
    await first.kill();

    const second = await hub.decider({ cluster: client });
    await until('the Migration', patienceMs, async () => ((await migrations()).length > 0 ? true : undefined));
    const third = await hub.decider({ cluster: client });
    for (let round = 0; round < 30; round++) await sampled();
    await second.kill();
    await leads(third);
    for (let round = 0; round < 30; round++) await sampled();

    const [decision, ...others] = await decidedMoves();
    expect(others).toEqual([]);
    const { migration: id = '' } = decision ?? {};
    expect(decision).toMatchObject({ workload: 'plant.trainer', pod: { namespace: 'plant', name: 'trainer-x1' } });
    const made = await migrations();
    expect(made.map(({ metadata, spec }) => ({ name: metadata.name, namespace: metadata.namespace, spec }))).toEqual([
      {
        name: id,
        namespace: 'plant',
        spec: {
          pod: 'trainer-x1',
          target: 'cloud-2',
          strategy: 'auto',
          trigger: 'overload',
          decision: decision?.id,
          id,
          expiresAt: expect.stringMatching(/^20.*Z$/) as string,
        },
      },
    ]);
    expect(await commandsOf(hub)).toEqual([]);
    await third.stop();
  });

  test('follows the migration by its events, and brings the pod home, whatever it is called there', async () => {
    const [decision] = await decidedMoves();
    if (!decision?.migration) throw new Error('no decision');
    const decider = await hub.decider({ cluster: client });
    await leads(decider);
    const { migration: id, workload = '', source = '', target = '', trigger, epoch, at } = decision;
    const facts = { decision: decision.id, strategy: 'auto', issuedAt: at, expiresAt: at } as const;
    const command = { id, workload, source, target, trigger, epoch, ...facts };
    await publishEvent(hub, command, { stage: 'requested', term: 0 });
    const quick = quickPolicy('  budgets: { migrationCooldown: 1s, minMigrationInterval: 1s }');
    await enforce(quick);
    edge.workloads.clear();
    const arrived = { home: 'edge-2', facts: { pod: { namespace: 'plant', name: 'trainer-x1-m1' } } };
    cloud.workloads.set(workload, { cores: 0.5, memoryBytes: 512 * mebibyte, ...arrived });
    await write();
    await publishEvent(hub, command, { result: 'succeeded' });
    const back = await until('the way back', patienceMs, async () => {
      await sampled();
      return (await migrations()).find(({ spec }) => spec.trigger === 'return');
    });
    expect(back.metadata.namespace).toBe('plant');
    expect(back.spec).toMatchObject({ pod: 'trainer-x1-m1', target: 'edge-2' });
    expect(await migrations()).toHaveLength(2);
    await decider.stop();
  });

  test('has the API server refuse an id that is not the name', async () => {
    const object = (id: string) => ({
      apiVersion: 'godwit.dev/v1alpha1',
      kind: 'Migration',
      metadata: { name: 'mine', namespace: 'plant' },
      spec: { pod: 'x', target: 'cloud-2', id },
    });
    await expect(applied(object('theirs'))).rejects.toThrow(/leave it out/);
    await expect(applied({ ...object('mine'), spec: { ...object('mine').spec, expiresAt: 'soon' } })).rejects.toThrow(
      /expiresAt/,
    );
  });
});
