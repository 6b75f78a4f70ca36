import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openAuthority } from '../../cli/pki/authority.ts';
import { type Migration, type MigrationStatus, migrationSchema } from '../../k8s/objects/migration.ts';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labDown, labExec } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemClock } from '../../lib/clock.ts';
import { untilNoCheckpoints } from '../helpers/checkpoints-left.ts';
import { bundlesFolder, type FleetNode, keepLogs } from '../helpers/fleet.ts';
import { beating, twinsIn, watchBeats, withoutCopies } from '../helpers/fleet-beats.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { type Kubectl, kubectlOf } from '../helpers/kubectl.ts';
import { clusterObstacle } from '../helpers/kubernetes.ts';
import { type PodSelf, selfOfPod } from '../helpers/pod-answers.ts';
import { logsOfPods } from '../helpers/pod-facts.ts';
import { until } from '../helpers/until.ts';

// Stock nodes: the pods have no RuntimeClass. Controllers, agents, kubelets, containerd, CRIU and registry are real.

const name = `e2e-${randomBytes(4).toString('hex')}`;
const missing = await clusterObstacle();
const patienceMs = 240_000;

interface ApiPod {
  metadata: { name: string; uid: string; ownerReferences?: { kind: string }[] };
  spec: { nodeName: string; restartPolicy: string };
  status: { podIP?: string; phase: string; containerStatuses?: { restartCount: number; containerID?: string }[] };
}

describe('pods that move as images', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let nodes: FleetNode[];

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    const binds = [{ source: await bundlesFolder(), target: '/opt/bundles' }];
    const spec = { name, nodes: edgeAndCloud, binds, policy: pausedPolicy };
    const raised = await clusterFleetUp(
      { ...spec, nodeConfig: { monitor: { intervalMs: 500 } } },
      (folder) => openAuthority(folder, systemClock),
      { onProgress: (line) => console.log(line) },
    );
    cluster = raised.cluster;
    kubectl = kubectlOf(cluster);
    nodes = cluster.lab.nodes.filter((node): node is FleetNode => node.kind !== 'hub' && node.root !== undefined);
    const folders = ['app', 'lib', 'lib64', 'usr'];
    const files = Object.fromEntries(folders.map((part) => [`/opt/bundles/counter/rootfs/${part}`, `/${part}`]));
    await pushImage(labSettings(), name, 'hub', {
      name: 'counter:1',
      files,
      entrypoint: ['/usr/bin/node', '/app/main.mjs'],
    });
    for (const [node, tier, site] of [
      ['edge-1', 'edge', 'plant'],
      ['cloud-1', 'cloud', 'cloud'],
    ] as const)
      await apply({
        apiVersion: 'godwit.dev/v1alpha1',
        kind: 'EdgeNode',
        metadata: { name: node },
        spec: { tier, site },
      });
  });
  afterAll(async () => {
    if (cluster) console.log(await keepLogs(name, cluster.lab.nodes));
    await labDown(name);
  });

  const apply = (object: object): Promise<string> => kubectl.run(['apply', '-f', '-'], object);
  const node = (wanted: string): FleetNode => nodes.find((one) => one.name === wanted) as FleetNode;
  const get = async <T>(...what: string[]): Promise<T> =>
    JSON.parse(await kubectl.run(['get', ...what, '-o', 'json'])) as T;
  const podsOf = async (app: string): Promise<ApiPod[]> =>
    (await get<{ items: ApiPod[] }>('pods', `--selector=app=${app}`)).items;
  const readPod = (pod: string): Promise<ApiPod> => get<ApiPod>('pod', pod);

  const podSpec = (more: object = {}) => {
    const env = Object.entries({ PATH: '/usr/bin:/bin', UV_USE_IO_URING: '0', PORT: '8080', MIB: '64', ...beating });
    const container = {
      name: 'main',
      image: `${registry}/counter:1`,
      env: env.map(([key, value]) => ({ name: key, value })),
      readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
      ...more,
    };
    return { automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, containers: [container] };
  };

  async function deploy(app: string): Promise<ApiPod> {
    const labels = { app };
    const affinity = {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: { matchExpressions: [{ key: 'godwit.dev/tier', operator: 'In', values: ['edge'] }] },
          },
        ],
      },
    };
    const template = { metadata: { labels }, spec: { ...podSpec(), affinity } };
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app },
      spec: { selector: { matchLabels: labels }, template },
    });
    onTestFinished(async () => void (await kubectl.run(['delete', 'deployment', app])));
    await kubectl.run(['rollout', 'status', `deployment/${app}`, '--timeout=120s']);
    const [pod] = await podsOf(app);
    return pod as ApiPod;
  }

  async function runPod(pod: string, more: object = {}, whole: object = {}): Promise<ApiPod> {
    const metadata = { name: pod, labels: { app: pod } };
    await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'edge-1', ...podSpec(more), ...whole } });
    onTestFinished(
      async () =>
        void (await kubectl.run(['delete', 'pod', '--selector', `app=${pod}`, '--grace-period=0', '--force'])),
    );
    await kubectl.run(['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=120s']);
    return readPod(pod);
  }

  const selfOf = async (pod: string): Promise<PodSelf> =>
    selfOfPod(name, 'hub', (await readPod(pod)).status.podIP ?? '');
  const ask = (object: string, pod: string, target: string): Promise<string> =>
    apply({ apiVersion: 'godwit.dev/v1alpha1', kind: 'Migration', metadata: { name: object }, spec: { pod, target } });
  const read = async (object: string): Promise<Migration> => migrationSchema.parse(await get('migration', object));

  async function endOf(object: string): Promise<MigrationStatus> {
    return until(`${object} to end`, patienceMs, async () => {
      const { status } = await read(object);
      if (status?.endedAt && status.conditions?.some(({ type, status: is }) => type === 'Completed' && is === 'True'))
        return status;
      throw new Error(JSON.stringify(status));
    });
  }

  const untilStage = (object: string, stage: 'freeze' | 'dump' | 'restore'): Promise<true> =>
    until(
      `${object} to be at ${stage}`,
      patienceMs,
      async () => {
        return (await read(object)).status?.stageTimes?.[stage] !== undefined || undefined;
      },
      20,
    );

  /** In bytes, of all that a checkpoint has ever brought to the registry, whose blobs stay until they are collected. */
  async function largestLayer(): Promise<number> {
    const root = cluster.lab.nodes.find(({ kind }) => kind === 'hub')?.root ?? '';
    const registryFolder = join(root, 'var/lib/godwit/kubernetes/registry/docker/registry/v2');
    const digests = await readdir(join(registryFolder, 'repositories/godwit/checkpoints/_layers/sha256'));
    const blob = (digest: string) => join(registryFolder, 'blobs/sha256', digest.slice(0, 2), digest, 'data');
    const sizes = await Promise.all(digests.map(async (digest) => (await stat(blob(digest))).size));
    return Math.max(...sizes);
  }
  const nothingLeft = (): Promise<boolean> => untilNoCheckpoints(name, cluster.lab.nodes);

  test('a pod of a Deployment goes to the cloud and comes home: the same process, and never two', async () => {
    const beats = watchBeats(nodes, 'stock', (root) => logsOfPods(root, 'stock'));
    let pod = await deploy('stock');
    expect(pod.spec.nodeName).toBe('edge-1');
    let before = await selfOf(pod.metadata.name);
    for (const target of ['cloud-1', 'edge-1']) {
      await ask(`to-${target}`, pod.metadata.name, target);
      const status = await endOf(`to-${target}`);
      expect(status).toMatchObject({ phase: 'Succeeded', path: 'image' });
      console.log(
        `to ${target}: freeze ${status.freezeMs} ms, total ${status.totalMs} ms`,
        JSON.stringify(status.stageTimes),
      );
      const moved = await readPod(status.targetPod ?? '');
      expect(moved).toMatchObject({ spec: { nodeName: target, restartPolicy: 'Never' }, status: { phase: 'Running' } });
      expect(moved.metadata.ownerReferences?.[0]?.kind).toBe('ReplicaSet');
      const self = await selfOf(moved.metadata.name);
      expect(self).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      expect(self.counter).toBeGreaterThanOrEqual(before.counter);
      const source = pod;
      await until('the source pod to be gone', 60_000, async () => {
        return (await podsOf('stock')).every(({ metadata }) => metadata.uid !== source.metadata.uid) || undefined;
      });
      await nothingLeft();
      pod = moved;
      before = self;
    }
    expect((await podsOf('stock')).length).toBe(1);
    // its memory holds 64 MiB that can not be compressed
    expect(await largestLayer()).toBeLessThan(16 << 20);
    await beats.stop();
    expect(new Set(beats.beats.map(({ node: where }) => where))).toEqual(new Set(['edge-1', 'cloud-1']));
    expect(new Set(beats.beats.map(({ life }) => life)).size).toBe(1);
    expect(twinsIn(withoutCopies(beats.beats))).toEqual([]);
  });

  test('a copy that ends is not restored once more: its owner makes another pod', async () => {
    const pod = await deploy('ending');
    const before = await selfOf(pod.metadata.name);
    await ask('ending', pod.metadata.name, 'cloud-1');
    const { phase, targetPod = '' } = await endOf('ending');
    expect(phase).toBe('Succeeded');
    const id =
      (await readPod(targetPod)).status.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '';
    await labExec(name, 'cloud-1', ['ctr', '-n', 'k8s.io', 'tasks', 'kill', '--signal', 'KILL', id]);
    const next = await until('another pod', patienceMs, async () => {
      const old = [targetPod, pod.metadata.name];
      const found = (await podsOf('ending')).find(({ metadata }) => !old.includes(metadata.name));
      return found?.status.phase === 'Running' && found.status.podIP ? found : undefined;
    });
    expect((await readPod(targetPod)).status.phase).toBe('Failed');
    expect((await selfOf(next.metadata.name)).nonce).not.toBe(before.nonce);
  });

  /** The move is rolled back, and the pod runs on where it was: the same process, not started anew. */
  async function expectRolledBack(object: string, pod: ApiPod, before: PodSelf, reason: RegExp): Promise<void> {
    const status = await endOf(object);
    expect(status).toMatchObject({ phase: 'RolledBack', path: 'image', reason: expect.stringMatching(reason) });
    const after = await readPod(pod.metadata.name);
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(await selfOf(pod.metadata.name)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    await until('the target pod to be gone', 60_000, async () => {
      return (await podsOf(pod.metadata.name)).length === 1 || undefined;
    });
    await nothingLeft();
  }

  test('a registry that can not be reached: rolled back', async () => {
    const pod = await runPod('unpushed');
    const before = await selfOf('unpushed');
    const hosts = join(node('edge-1').root, 'etc/hosts');
    const known = await readFile(hosts, 'utf8');
    onTestFinished(() => writeFile(hosts, known));
    await ask('unpushed', 'unpushed', 'cloud-1');
    await untilStage('unpushed', 'freeze');
    await writeFile(hosts, known.replace(/^.*registry\.lab.*$/m, '127.0.0.2 registry.lab'));
    await until(
      'the push to fail',
      patienceMs,
      async () =>
        (await read('unpushed')).status?.stage === 'aborting' ||
        (await read('unpushed')).status?.endedAt !== undefined ||
        undefined,
    );
    await writeFile(hosts, known);
    await expectRolledBack('unpushed', pod, before, /registry/);
  });

  test('a copy that can not be restored: rolled back, with what the kubelet says', async () => {
    const pod = await runPod('unrestored');
    const before = await selfOf('unrestored');
    const config = join(node('cloud-1').root, 'etc/criu/runc.conf');
    const known = await readFile(config, 'utf8');
    onTestFinished(() => writeFile(config, known));
    await ask('unrestored', 'unrestored', 'cloud-1');
    await untilStage('unrestored', 'freeze');
    await appendFile(config, 'no-such-option\n');
    await expectRolledBack('unrestored', pod, before, /unrestored-m\S+ on cloud-1/);
  });

  test('cancelled in the middle of the checkpoint: the dump ends by itself, and the pod runs on', async () => {
    const pod = await runPod('cancelled');
    const before = await selfOf('cancelled');
    await ask('cancelled', 'cancelled', 'cloud-1');
    await untilStage('cancelled', 'dump');
    // it stays until the move is settled
    await kubectl.run(['delete', 'migration', 'cancelled', '--timeout=120s']);
    expect((await readPod('cancelled')).status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect((await readPod('cancelled')).metadata.uid).toBe(pod.metadata.uid);
    expect(await selfOf('cancelled')).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await podsOf('cancelled')).toHaveLength(1);
    await nothingLeft();
  });

  test('what can not work is refused before anything stops', async () => {
    const config = join(node('cloud-1').root, 'etc/criu/runc.conf');
    const cases: [pod: string, reason: RegExp, pod: Parameters<typeof runPod>[1], whole?: object][] = [
      [
        'scratch',
        /volume data is an emptyDir/,
        { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        { volumes: [{ name: 'data', emptyDir: {} }] },
      ],
      ['unheld', /runc\.conf is not Godwit's/, {}],
    ];
    for (const [pod, reason, more, whole] of cases) {
      await runPod(pod, more, whole);
      const before = await selfOf(pod);
      if (pod === 'unheld') {
        await rename(config, `${config}.away`);
        onTestFinished(() => rename(`${config}.away`, config));
      }
      await ask(pod, pod, 'cloud-1');
      expect(await endOf(pod)).toMatchObject({ phase: 'Refused', reason: expect.stringMatching(reason) });
      expect(await selfOf(pod)).toMatchObject({ nonce: before.nonce });
      expect((await read(pod)).status?.stageTimes?.freeze).toBeUndefined();
    }
  });
});
