import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createKubeClient, type KubeClient } from '../../k8s/client.ts';
import { loadKubeConfig } from '../../k8s/kubeconfig.ts';
import { type Migration, migrationSchema } from '../../k8s/objects/migration.ts';
import { isTrue, type Pod, podSchema } from '../../k8s/objects/pod.ts';
import { resources } from '../../k8s/resource.ts';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labDown, labServices } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import type { Command } from '../../lib/contract/migration.ts';
import type { Workload } from '../../lib/contract/node.ts';
import { type Kubectl, kubectlOf, temporaryFolder } from '../helpers/kubectl.ts';
import { clusterObstacle, testClusterUp } from '../helpers/kubernetes.ts';
import { type LabHub, startLabHub } from '../helpers/lab-hub.ts';
import { type PlayedAgents, playAgents } from '../helpers/played-agents.ts';
import { until } from '../helpers/until.ts';

// The API server, its controllers, kubelets and the NATS hub are real; agents and driver are played by their messages. The RuntimeClass
// `godwit` leads to plain runc here, so that a target pod starts at once instead of waiting for its copy.

const gib = 2 ** 30;
const name = `test-${randomBytes(4).toString('hex')}`;
const nodes = [
  { name: 'edge-1', tier: 'edge' as const },
  { name: 'cloud-1', tier: 'cloud' as const },
];
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    ...nodes.map(({ name: node, tier }) => {
      return { name: node, kind: tier, site: tier === 'edge' ? 'plant' : 'central', cores: 2, memoryBytes: gib };
    }),
  ],
};
const namespace = 'default';
const missing = await clusterObstacle();
const crds = join(import.meta.dirname, '../../k8s/manifests/crds');

describe('Migration objects', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let client: KubeClient;
  let hub: LabHub;
  let agents: PlayedAgents;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let controller: ChildProcess | undefined;

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });

  beforeAll(async () => {
    if (missing) return;
    folder = await temporaryFolder();
    cluster = await testClusterUp(spec);
    kubectl = kubectlOf(cluster);
    client = createKubeClient(loadKubeConfig(cluster.kubeconfig));
    const files = { '/usr/bin/busybox': '/busybox' };
    await pushImage(labSettings(), name, 'hub', { name: 'web:1', files, entrypoint: ['/busybox'] });
    hub = await startLabHub(
      cluster.lab,
      folder.path,
      nodes.map((node) => node.name),
    );
    agents = await playAgents(hub, nodes);
    await kubectl.run(['apply', '-k', crds]);
    await kubectl.run(['wait', '--for=condition=Established', 'crd/migrations.godwit.dev', 'crd/edgenodes.godwit.dev']);
    await kubectl.run(['create', 'namespace', 'godwit-system']);
    await kubectl.run(['apply', '-f', '-'], {
      ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'godwit' }, handler: 'runc' },
    });
    for (const node of nodes) await agents.report(node.name, {});
    controller = await startController();
  });

  afterAll(async () => {
    await stopController(controller);
    await hub?.close();
    await labDown(name);
    await folder?.remove();
  });

  async function startController(): Promise<ChildProcess> {
    const config = join(folder.path, 'controller.yaml');
    const nats = { servers: hub.servers, pki: hub.pki };
    await writeFile(config, stringify({ kubeconfig: cluster.kubeconfig, nats, leaseMs: 4000 }));
    const main = join(import.meta.dirname, '../../sidecar/main.ts');
    return spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  async function migrationOf(object: string): Promise<Migration | undefined> {
    const found = await client.get(resources.migrations, { namespace, name: object });
    return found && migrationSchema.parse(found);
  }

  async function podOf(pod: string): Promise<Pod | undefined> {
    const found = await client.get(resources.pods, { namespace, name: pod });
    return found && podSchema.parse(found);
  }

  const ask = (object: string, pod: string, more: object = {}): Promise<string> =>
    kubectl.run(['create', '-f', '-'], migration(object, pod, more));

  /** As soon as the object is in that phase. */
  const untilPhase = (object: string, phase: string): Promise<Migration> =>
    until(`${object} to be ${phase}`, 60_000, async () => {
      const found = await migrationOf(object);
      if (found?.status?.phase !== phase) throw new Error(JSON.stringify(found?.status));
      return found;
    });

  const untilRunning = (pod: string): Promise<Pod> =>
    until(`${pod} to run`, 60_000, async () => {
      const found = await podOf(pod);
      return found && isTrue(found, 'ContainersReady') ? found : undefined;
    });

  async function startPod(pod: { metadata: { name: string }; spec: object }): Promise<Pod> {
    await kubectl.run(['create', '-f', '-'], pod);
    return untilRunning(pod.metadata.name);
  }

  /** Has the target's agent say that the wrapper of the target pod waits, and takes the command. */
  async function untilCommanded(object: string): Promise<{ command: Command; target: Pod }> {
    const { metadata, status } = await untilPhase(object, 'Pending');
    const target = await until('the target pod', 30_000, () => podOf(status?.targetPod ?? ''));
    await agents.report('cloud-1', { inbound: [metadata.uid] });
    const command = await agents.nextCommand();
    expect(command.id).toBe(metadata.uid);
    return { command, target };
  }

  async function succeed(command: Command): Promise<void> {
    await agents.begin(command);
    for (const stage of [
      'prepare',
      'freeze',
      'dump',
      'restore',
      'commit',
      'run',
      'switch',
      'release',
      'clean',
    ] as const)
      await agents.tell(command, stage);
    const measurements = { freezeMs: 123, totalMs: 456, memoryBytes: 2 ** 26 };
    await agents.tell(command, 'ended', { result: 'succeeded', measurements });
  }

  const eventsOf = async (kind: string, object: string): Promise<string> =>
    kubectl.run(['get', 'events', `--field-selector=involvedObject.kind=${kind},involvedObject.name=${object}`]);

  describe('the API server refuses', () => {
    test.each([
      ['no target', { target: undefined }, 'spec.target: Required value'],
      ['a strategy that is none', { strategy: 'teleport' }, 'Unsupported value: "teleport"'],
      ['a target that is no name', { target: 'Cloud 1' }, 'spec.target in body should match'],
    ])('%s', async (_, more, said) => {
      expect(await kubectl.refusal(['create', '-f', '-'], migration('bad', 'web', more))).toContain(said);
    });

    test('a spec that is edited', async () => {
      await ask('edited', 'none');
      const patch = ['patch', 'migration', 'edited', '--type=merge', '-p', '{"spec":{"target":"edge-1"}}'];
      expect(await kubectl.refusal(patch)).toContain('spec is immutable; create another Migration');
    });

    test('an EdgeNode of an unknown tier', async () => {
      const edgeNode = { apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode', metadata: { name: 'edge-1' } };
      const said = await kubectl.refusal(['create', '-f', '-'], { ...edgeNode, spec: { tier: 'fog', site: 'plant' } });
      expect(said).toContain('Unsupported value: "fog"');
    });
  });

  describe('preflight refuses, and tells pod and Migration why', () => {
    const refused = async (object: string, reason: RegExp): Promise<void> => {
      const { status, metadata } = await untilPhase(object, 'Refused');
      expect(status?.reason).toMatch(reason);
      expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
        'Accepted=False',
        'Completed=True',
      ]);
      expect(metadata.finalizers ?? []).toEqual([]);
      expect(await eventsOf('Migration', object)).toMatch(/Warning +MigrationRefused/);
    };

    test('an unknown pod', async () => {
      await ask('unknown', 'nobody');
      await refused('unknown', /there is no pod nobody in namespace default/);
    });

    test('several containers, a node it is on already, and one that is not there', async () => {
      const two = pod('two', 'edge-1');
      const [first] = two.spec.containers;
      await startPod({ ...two, spec: { ...two.spec, containers: [first, { ...first, name: 'second' }] } });
      await ask('two', 'two');
      await refused('two', /it has several containers \(main, second\)/);
      expect(await eventsOf('Pod', 'two')).toMatch(
        /MigrationRefused +pod\/two +Migration two: it has several containers/,
      );
      await ask('there', 'two', { target: 'edge-1' });
      await refused('there', /on node edge-1 already/);
      const one = await startPod(pod('one', 'edge-1'));
      await ask('nowhere', one.metadata.name, { target: 'cloud-9' });
      await refused('nowhere', /no node cloud-9/);
    });

    test('a pod of a StatefulSet', async () => {
      await kubectl.run(['create', '-f', '-'], owned('StatefulSet', 'db', { serviceName: 'db' }));
      await untilRunning('db-0');
      await ask('stateful', 'db-0');
      await refused('stateful', /StatefulSet db wants it under its own name/);
    });

    test('a pod that its disruption budget protects', async () => {
      const guarded = await startPod(pod('guarded', 'edge-1'));
      const budget = { selector: { matchLabels: { app: 'guarded' } }, minAvailable: 1 };
      const meta = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'guarded' } };
      await kubectl.run(['create', '-f', '-'], { ...meta, spec: budget });
      await kubectl.run(['wait', '--for=jsonpath={.status.expectedPods}=1', 'pdb/guarded', '--timeout=30s']);
      await agents.report('edge-1', { workloads: [workload(guarded)] });
      await ask('guarded', 'guarded');
      await refused('guarded', /disruption budget/);
      expect(await podOf('guarded')).toBeDefined();
    });
  });

  test('a bare pod: target pod, command, status from the events, and the source goes', async () => {
    const source = await startPod(pod('solo', 'edge-1'));
    await agents.report('edge-1', { workloads: [workload(source)] });
    await ask('solo', 'solo', { strategy: 'warm', decision: 'd-1' });
    await untilPhase('solo', 'Pending');
    await ask('solo-again', 'solo');
    const second = await untilPhase('solo-again', 'Refused');
    expect(second.status?.reason).toBe('the pod is being moved by Migration solo');

    const { command, target } = await untilCommanded('solo');
    expect(command).toMatchObject({
      workload: 'default.solo',
      source: 'edge-1',
      target: 'cloud-1',
      strategy: 'warm',
      decision: 'd-1',
    });
    expect(command.epoch).toBeGreaterThan(0);
    expect(target.spec).toMatchObject({ nodeName: 'cloud-1', hostname: 'solo', runtimeClassName: 'godwit' });
    expect(target.spec.containers[0]?.image).toMatch(/@sha256:/);
    await succeed(command);
    const { status, metadata } = await untilPhase('solo', 'Succeeded');
    expect(status).toMatchObject({
      freezeMs: 123,
      totalMs: 456,
      memoryBytes: 2 ** 26,
      source: 'edge-1',
      path: 'runtime',
    });
    expect(Object.keys(status?.stageTimes ?? {}).sort()).toEqual([
      'clean',
      'commit',
      'dump',
      'freeze',
      'prepare',
      'release',
      'restore',
      'run',
      'switch',
    ]);
    expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'Accepted=True',
      'Prepared=True',
      'Committed=True',
      'Completed=True',
    ]);
    await until(
      'the finalizer to go',
      10_000,
      async () => ((await migrationOf('solo'))?.metadata.finalizers ?? []).length === 0 || undefined,
    );
    await until('the source to go', 30_000, async () => ((await podOf('solo')) ? undefined : true));
    const moved = await podOf(target.metadata.name);
    expect(moved && isTrue(moved, 'Ready')).toBe(true);
    const table = await kubectl.run(['get', 'migrations']);
    console.log(table);
    expect(table).toMatch(/NAME +POD +FROM +TO +STRATEGY +PHASE +STAGE +FREEZE\(MS\) +AGE/);
    expect(table).toMatch(/solo +solo +edge-1 +cloud-1 +warm +Succeeded +ended +123 /);
    expect(await eventsOf('Migration', 'solo')).toMatch(/Normal +MigrationSucceeded/);
    expect(metadata.generation).toBe(status?.observedGeneration);
  });

  test('a pod of a Deployment: its ReplicaSet takes the copy in, ends the source, and makes no third', async () => {
    await kubectl.run(['create', '-f', '-'], owned('Deployment', 'shop', {}));
    const [first = ''] = await until('a pod of shop', 30_000, async () => {
      const found = await podsOf('shop');
      return found.length > 0 ? found : undefined;
    });
    const source = await untilRunning(first);
    await agents.report('edge-1', { workloads: [workload(source)] });
    await ask('shop', first);
    const { command, target } = await untilCommanded('shop');
    expect(target.metadata.labels?.['pod-template-hash']).toBeUndefined();
    await succeed(command);
    await untilPhase('shop', 'Succeeded');
    await until('one pod of shop', 60_000, async () => {
      const found = await podsOf('shop');
      return found.join() === target.metadata.name || undefined;
    });
    const moved = await podOf(target.metadata.name);
    expect(moved?.metadata.ownerReferences?.[0]).toMatchObject({
      kind: 'ReplicaSet',
      uid: source.metadata.ownerReferences?.[0]?.uid,
    });
    expect(
      await kubectl.run(['get', 'deployment', 'shop', '-o', 'jsonpath={.status.readyReplicas}/{.status.replicas}']),
    ).toBe('1/1');
  });

  const podsOf = async (app: string): Promise<string[]> =>
    (await kubectl.run(['get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[*].metadata.name}']))
      .split(' ')
      .filter(Boolean);

  test('a Job counts no failure and starts no third pod', async () => {
    const template = podSpec('edge-1');
    const probe = {
      exec: { command: ['/busybox', 'test', '!', '-e', '/dead'] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    const containers = template.containers.map((container) => ({ ...container, readinessProbe: probe }));
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'batch', namespace } };
    const spec = { ...template, restartPolicy: 'OnFailure', containers };
    await kubectl.run(['create', '-f', '-'], {
      ...job,
      spec: { backoffLimit: 1, template: { metadata: { labels: { app: 'batch' } }, spec } },
    });
    const [first = ''] = await until('a pod of the Job', 30_000, async () => {
      const found = await podsOf('batch');
      return found.length > 0 ? found : undefined;
    });
    await agents.report('edge-1', { workloads: [workload(await untilRunning(first))] });
    await ask('batch', first);
    const { command, target } = await untilCommanded('batch');
    await succeed(command);
    // as the kubelet does of a container that the agent has ended
    await kubectl.run(['exec', first, '--', '/busybox', 'touch', '/dead']);
    await untilPhase('batch', 'Succeeded');
    await until(
      'one pod of the Job',
      60_000,
      async () => (await podsOf('batch')).join() === target.metadata.name || undefined,
    );
    const { metadata } = (await podOf(target.metadata.name)) ?? {};
    expect(metadata?.ownerReferences?.[0]?.kind).toBe('Job');
    const status = await kubectl.run(['get', 'job', 'batch', '-o', 'jsonpath={.status.active}/{.status.failed}']);
    expect(status).toMatch(/^1\/0?$/);
  });

  test('rolled back: the target pod goes, the source stays', async () => {
    const source = await startPod(pod('stays', 'edge-1'));
    await agents.report('edge-1', { workloads: [workload(source)] });
    await ask('stays', 'stays');
    const { command, target } = await untilCommanded('stays');
    for (const stage of ['prepare', 'freeze', 'aborting'] as const) await agents.tell(command, stage);
    await agents.tell(command, 'ended', { result: 'rolled-back', reason: 'the copy could not be restored' });
    const { status } = await untilPhase('stays', 'RolledBack');
    expect(status?.reason).toBe('the copy could not be restored');
    await until('the target pod to go', 30_000, async () => ((await podOf(target.metadata.name)) ? undefined : true));
    expect((await podOf('stays'))?.metadata.uid).toBe(source.metadata.uid);
    expect(await eventsOf('Pod', 'stays')).toMatch(/Warning +MigrationRolledBack/);
  });

  test('a Migration that is deleted is cancelled, and stays until that is settled', async () => {
    const source = await startPod(pod('kept', 'edge-1'));
    await agents.report('edge-1', { workloads: [workload(source)] });
    await ask('kept', 'kept');
    const { command } = await untilCommanded('kept');
    await agents.begin(command);
    await agents.tell(command, 'freeze');
    await kubectl.run(['delete', 'migration', 'kept', '--wait=false']);
    await until(
      'the wish to reach the driver',
      20_000,
      async () => (await agents.state(command.id))?.cancelRequested || undefined,
    );
    expect((await migrationOf('kept'))?.metadata.deletionTimestamp).toBeDefined();
    await agents.tell(command, 'ended', { result: 'rolled-back', reason: 'cancelled on request' });
    await until('the Migration to go', 20_000, async () => ((await migrationOf('kept')) ? undefined : true));
    expect(await podOf('kept')).toBeDefined();
  });

  const holder = (): Promise<string> =>
    kubectl.run(['get', 'lease', 'godwit-controller', '-n', 'godwit-system', '-o', 'jsonpath={.spec.holderIdentity}']);

  test('a standby goes on where the leader was killed, and the API server away does no harm', async () => {
    const source = await startPod(pod('tough', 'edge-1'));
    await agents.report('edge-1', { workloads: [workload(source)] });
    await ask('tough', 'tough');
    const { command } = await untilCommanded('tough');
    await agents.begin(command);
    await agents.tell(command, 'prepare');
    const standby = await startController();
    const leader = await holder();
    await stopController(controller, 'SIGKILL');
    controller = standby;
    for (const stage of ['freeze', 'dump', 'restore', 'commit'] as const) await agents.tell(command, stage);
    await until('the stage', 30_000, async () => (await migrationOf('tough'))?.status?.stage === 'commit' || undefined);
    expect(await holder()).not.toBe(leader);

    const api = (await labServices(name, 'hub')).find(
      (service) => service.name === 'kube-apiserver' && service.running,
    );
    process.kill(api?.pid ?? 0, 'SIGSTOP');
    for (const stage of ['run', 'switch', 'release', 'clean'] as const) await agents.tell(command, stage);
    await agents.tell(command, 'ended', { result: 'succeeded' });
    // longer than the lease, than an answer may take, and than a watch may be silent: the time is what is tested
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    process.kill(api?.pid ?? 0, 'SIGCONT');
    await untilPhase('tough', 'Succeeded');
    await until('the source to go', 30_000, async () => ((await podOf('tough')) ? undefined : true));
  });
});

async function stopController(controller: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (!controller || controller.exitCode !== null || controller.signalCode !== null) return;
  const ended = once(controller, 'exit');
  controller.kill(signal);
  await ended;
}

const migration = (object: string, pod: string, more: object): object => ({
  apiVersion: 'godwit.dev/v1alpha1',
  kind: 'Migration',
  metadata: { name: object, namespace },
  spec: { pod, target: 'cloud-1', ...more },
});

const podSpec = (node: string) => ({
  nodeName: node,
  runtimeClassName: 'godwit',
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'main', image: `${registry}/web:1`, args: ['sleep', '100000'] }],
});

const pod = (app: string, node: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: app, namespace, labels: { app } },
  spec: podSpec(node),
});

/** One pod of that kind, on edge-1 by its label, where the copy must not be tied to. */
const owned = (kind: string, app: string, more: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: app, namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: podSpec('edge-1') },
    ...more,
  },
});

/** As the agent of its node reports the pod. */
const workload = ({ metadata }: Pod): Workload => ({
  name: `${namespace}.${metadata.name}`,
  image: 'web',
  keeps: 'memory',
  strategy: 'auto',
  migrate: true,
  home: 'edge-1',
  priority: 0,
  startedAt: Date.now(),
  pod: { namespace, name: metadata.name },
});
