import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { openAuthority } from '../../../cli/pki/authority.ts';
import { buildClusterProgram } from '../../../cli/program/cluster.ts';
import type { Condition } from '../../../k8s/objects/meta.ts';
import type { Fleet } from '../../../lab/fleet.ts';
import type { Cluster } from '../../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../../lab/kubernetes/fleet.ts';
import { pushImage } from '../../../lab/kubernetes/images.ts';
import { registry } from '../../../lab/kubernetes/plan.ts';
import { labDown, labExec } from '../../../lab/lab.ts';
import { labSettings } from '../../../lab/settings.ts';
import { systemClock } from '../../../lib/clock.ts';
import type { ContainerSample } from '../../../lib/contract/telemetry.ts';
import { keepLogs } from '../../helpers/fleet.ts';
import { godwit } from '../../helpers/godwit.ts';
import { clusterObstacle, kubectl } from '../../helpers/kubernetes.ts';
import { pushMonitorImage } from '../../helpers/monitor-image.ts';
import { until } from '../../helpers/until.ts';
import { nodeOf } from '../../integration/lab-helpers.ts';

const gib = 2 ** 30;
const mebibyte = 2 ** 20;
const name = `test-${randomBytes(4).toString('hex')}`;
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    { name: 'edge-1', kind: 'edge' as const, site: 'plant', cores: 1, memoryBytes: 1.5 * gib },
    { name: 'cloud-1', kind: 'cloud' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
  ],
};
const nodeConfig = { monitor: { intervalMs: 500 } };
const manifests = resolve(import.meta.dirname, '../../../k8s/manifests/injection');
const missing = await clusterObstacle();

describe('monitoring in a cluster', () => {
  let cluster: Cluster;
  let fleet: Fleet;
  let image: string;
  let folder: string;

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    folder = await mkdtemp(join(tmpdir(), 'inject-'));
    ({ cluster, fleet } = await clusterFleetUp(
      { ...spec, nodeConfig },
      (folder) => openAuthority(folder, systemClock),
      {
        onProgress: (line) => console.log(line),
      },
    ));
    const web = { name: 'web:1', files: { '/usr/bin/busybox': '/busybox' }, entrypoint: ['/busybox'] };
    await pushImage(labSettings(), name, 'hub', web);
    ({ image } = await pushMonitorImage(name));
    const namespaces = [
      namespace('plant', { 'godwit.dev/inject': 'enabled' }),
      namespace('strict', { 'godwit.dev/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'baseline' }),
    ];
    await create(...namespaces);
  });
  afterAll(async () => {
    if (cluster) console.log(await keepLogs(name, cluster.lab.nodes));
    await labDown(name);
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const create = (...objects: object[]): Promise<string> =>
    kubectl(cluster, ['create', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const read = async <T>(...args: string[]): Promise<T> => JSON.parse(await kubectl(cluster, [...args, '-o', 'json']));
  /** The pod as the API server would store it. */
  const admitted = async (given: Pod): Promise<Pod> =>
    JSON.parse(await kubectl(cluster, ['create', '--dry-run=server', '-o', 'json', '-f', '-'], JSON.stringify(given)));
  const sidecarIn = async (given: Pod): Promise<Container | undefined> =>
    (await admitted(given)).spec.initContainers?.find((container) => container.name === 'godwit-monitor');

  /** Applies one of the ways of injection; which nodes want it the controllers write themselves. */
  async function inject(way: 'policy' | 'webhook'): Promise<void> {
    const settings = {
      metadata: { name: 'godwit-injection', namespace: 'godwit-system' },
      data: { image },
    };
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      components: [relative(folder, join(manifests, way))],
      images: [{ name: 'godwit', newName: `${registry}/godwit`, newTag: '1' }],
      patches: [{ patch: stringify({ apiVersion: 'v1', kind: 'ConfigMap', ...settings }) }],
    };
    await writeFile(join(folder, 'kustomization.yaml'), stringify(overlay));
    await kubectl(cluster, ['apply', '-k', folder]);
  }

  async function sampleOf(workload: string): Promise<ContainerSample | undefined> {
    const answer = await godwit(['top', 'workloads', '--output', 'json'], { env: { GODWIT_CONFIG: fleet.operator } });
    return (JSON.parse(answer.stdout || '[]') as ContainerSample[]).find((sample) => sample.workload === workload);
  }
  /** A sample that shows what the pod is made to use: 0.3 cores, 24 MiB. */
  const fullSample = (workload: string): Promise<ContainerSample> =>
    until(`samples of ${workload}`, 60_000, async () => {
      const sample = await sampleOf(workload);
      return sample && sample.cpuCores > 0.2 && sample.memoryBytes > 24 * mebibyte ? sample : undefined;
    });
  const expectTrue = (sample: ContainerSample): void => {
    expect(sample.cpuLimitCores).toBe(0.3);
    expect(sample.memoryLimitBytes).toBe(64 * mebibyte);
    expect(sample.cpuCores).toBeLessThan(0.4);
    expect(sample.memoryBytes).toBeLessThan(32 * mebibyte);
  };

  test('mode node: the monitor of a node reports its pods, and none of the system', async () => {
    await create(busy('plain', 'default'));
    expectTrue(await fullSample('default.plain'));
    const { stdout } = await godwit(['top', 'workloads', '-o', 'json'], { env: { GODWIT_CONFIG: fleet.operator } });
    expect((JSON.parse(stdout) as ContainerSample[]).map(({ workload }) => workload)).toEqual(['default.plain']);
    await kubectl(cluster, ['delete', 'pod', 'plain']);
  });

  let byPolicy: Pod;
  test('mode sidecar: pods get theirs by the policy, and its samples reach the node’s message', async () => {
    const { root } = nodeOf(cluster.lab, 'edge-1');
    const file = join(root, 'etc/godwit/node.yaml');
    const config = parse(await readFile(file, 'utf8'));
    await writeFile(file, stringify({ ...config, monitor: { ...config.monitor, mode: 'sidecar' } }));
    const services = JSON.parse(await readFile(join(root, 'run/godwit/services.json'), 'utf8'));
    await labExec(name, 'edge-1', ['kill', String(pidOf(services, 'monitor'))]);
    await create(edgeNode);
    await inject('policy');
    await until('the policy to be in force', 30_000, () => sidecarIn(busyFor('plant')));
    byPolicy = await admitted(busyFor('plant'));
    await create(busy('app', 'plant'), busy('plain', 'default'));
    await kubectl(cluster, ['wait', '-n', 'plant', '--for=condition=Ready', '--timeout=60s', 'pod/app']);
    expectTrue(await fullSample('plant.app'));
    // nobody samples this one: the node's monitor leaves pods to their sidecars
    expect(await sampleOf('default.plain')).toBeUndefined();
    const process = await labExec(name, 'edge-1', ['/bin/sh', '-ec', statusOfSidecar]);
    expect(process.stdout.split('\n').filter(Boolean)).toEqual([
      'Uid:\t65532\t65532\t65532\t65532',
      'CapEff:\t0000000000000000',
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
    ]);
    const tokens = await labExec(name, 'edge-1', ['/bin/sh', '-ec', tokensOfSidecar], { allowFailure: true });
    expect(tokens.stdout).toBe('');
  });

  test.each<[string, Pod]>([
    ['of a namespace without the label', busyFor('default')],
    ['of another node', busyFor('plant', { nodeName: 'cloud-1' })],
    ['that declines', busyFor('plant', {}, { 'godwit.dev/inject': 'disabled' })],
    ['of a namespace that forbids folders of the node', busyFor('strict')],
  ])('a pod %s is left alone', async (_, given) => {
    expect((await admitted(given)).spec.initContainers).toBeUndefined();
  });

  test('without settings pods are admitted as they are', async () => {
    const settings = ['configmap', 'godwit-injection', '--namespace=godwit-system'];
    await kubectl(cluster, ['delete', ...settings]);
    await until('pods without sidecar', 30_000, async () => ((await sidecarIn(busyFor('plant'))) ? undefined : true));
  });

  test('the webhook gives pods the same', async () => {
    await kubectl(cluster, ['delete', '-f', join(manifests, 'policy/policy.yaml')]);
    await inject('webhook');
    await kubectl(cluster, ['rollout', 'status', '-n', 'godwit-system', 'deployment/godwit-webhook', '--timeout=90s']);
    await until('the webhook to be in force', 30_000, () => sidecarIn(busyFor('plant')));
    expect(withoutToken((await admitted(busyFor('plant'))).spec)).toEqual(withoutToken(byPolicy.spec));
    await kubectl(cluster, ['delete', 'pod', 'app', '--namespace=plant']);
    await create(busy('hooked', 'plant'));
    expectTrue(await fullSample('plant.hooked'));
    expect((await admitted(busyFor('default'))).spec.initContainers).toBeUndefined();
    expect((await admitted(busyFor('strict'))).spec.initContainers).toBeUndefined();
  });

  test('certificates are made anew without a restart', async () => {
    const pods = await read<{ items: Pod[] }>('get', 'pods', '-n', 'godwit-system', '-l', webhookLabel);
    const addresses = pods.items.map(({ status }) => status?.podIP ?? '');
    const served = async (address: string): Promise<string> =>
      (await labExec(name, 'hub', ['node', '-e', fingerprint, address])).stdout.trim();
    const before = await served(addresses[0] ?? '');
    expect(before).toMatch(/^[0-9A-F:]{95}$/);
    await kubectl(cluster, ['delete', 'secret', 'godwit-webhook', '--namespace=godwit-system']);
    const after = await until(
      'a new certificate',
      90_000,
      async () => {
        const all = new Set(await Promise.all(addresses.map(served)));
        const [one = ''] = all;
        return all.size === 1 && one !== before ? one : undefined;
      },
      500,
    );
    expect(after).not.toBe(before);
    await until('the API server to trust it', 30_000, () => sidecarIn(busyFor('plant')));
    const now = await read<{ items: Pod[] }>('get', 'pods', '-n', 'godwit-system', '-l', webhookLabel);
    expect(now.items.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
    expect(now.items.map(({ status }) => status?.podIP).sort()).toEqual(addresses.sort());
  });

  test('with its server gone pods are admitted all the same, and the check finds them', async () => {
    await kubectl(cluster, ['scale', '-n', 'godwit-system', 'deployment/godwit-webhook', '--replicas=0']);
    await kubectl(cluster, ['wait', '-n', 'godwit-system', '--for=delete', 'pod', '-l', webhookLabel, '--timeout=60s']);
    await create(busy('bare', 'plant'));
    await kubectl(cluster, ['wait', '-n', 'plant', '--for=condition=Ready', '--timeout=60s', 'pod/bare']);
    const found = await monitored(/plant\/bare/);
    expect(found).toMatchObject({ status: 'False', reason: 'PodsWithoutSidecar' });
    expect(found.message).toMatch(/^nobody samples default\/plain, plant\/bare, /);
    const told = await until('an Event of it', 30_000, async () => {
      const events = await eventsOf('bare');
      return events.length > 0 ? events : undefined;
    });
    expect(told).toMatchObject([{ reason: 'NoSidecar', type: 'Warning', note: expect.stringMatching(/make it anew/) }]);
    expect(await eventsOf('hooked')).toEqual([]);
    const env = { KUBECONFIG: cluster.kubeconfig };
    const doctor = await godwit(['doctor', '-o', 'json'], { env, build: buildClusterProgram });
    const findings = JSON.parse(doctor.stdout) as { check: string; state: string; found: string }[];
    expect(findings.find(({ check }) => check === 'EdgeNode edge-1')).toMatchObject({
      state: 'warning',
      found: expect.stringMatching(/PodsWithoutSidecar.*plant\/bare/),
    });
  });

  test('such a pod is told of once, and no more when it is gone', async () => {
    // the node has no core for one more
    await kubectl(cluster, ['delete', 'pod', 'plain']);
    await create(busy('second', 'plant'));
    await monitored(/samples plant\/bare, plant\/second/);
    expect(await eventsOf('bare')).toHaveLength(1);
    await kubectl(cluster, ['delete', 'pod', 'bare', 'second', '--namespace=plant']);
    expect(await monitored(/samples$/)).toMatchObject({ status: 'True', reason: 'Sampled' });
  });

  /** The EdgeNode's condition, as soon as it says so. */
  const monitored = (saying: RegExp): Promise<Condition> =>
    until(`the EdgeNode to say ${saying}`, 60_000, async () => {
      const { status } = await read<{ status?: { conditions?: Condition[] } }>('get', 'edgenode', 'edge-1');
      const condition = status?.conditions?.find(({ type }) => type === 'Monitored');
      if (condition && saying.test(condition.message)) return condition;
      throw new Error(JSON.stringify(condition));
    });
  interface Told {
    reason: string;
    type: string;
    note: string;
    regarding: { name: string };
    reportingController: string;
  }
  const eventsOf = async (pod: string): Promise<Told[]> => {
    const { items } = await read<{ items: Told[] }>('get', 'events.events.k8s.io', '-n', 'plant');
    return items.filter((one) => one.regarding.name === pod && one.reportingController.startsWith('godwit.dev/'));
  };
});

const webhookLabel = 'app.kubernetes.io/name=godwit-webhook';

interface Container {
  name: string;
  volumeMounts?: { mountPath: string }[];
}
interface Pod {
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: { nodeName?: string; containers: object[]; initContainers?: Container[]; volumes?: { name: string }[] };
  status?: { podIP?: string; containerStatuses?: { restartCount: number }[] };
}

const namespace = (called: string, labels: Record<string, string> = {}): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: called, labels },
});

const edgeNode = {
  ...{ apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode', metadata: { name: 'edge-1' } },
  spec: { tier: 'edge', site: 'plant', monitoring: 'sidecar' },
};

/** A pod on edge-1 that uses 0.3 cores and a little more than 24 MiB, for ever. */
function busy(called: string, where: string, more: object = {}, labels: Record<string, string> = {}): Pod {
  const script = '/busybox dd if=/dev/zero of=/dev/shm/ballast bs=1M count=25; while :; do :; done';
  const limits = { cpu: '300m', memory: '64Mi' };
  const main = { name: 'main', image: `${registry}/web:1`, args: ['sh', '-c', script], resources: { limits } };
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: called, namespace: where, labels },
    spec: { ...{ nodeName: 'edge-1', terminationGracePeriodSeconds: 1 }, containers: [main], ...more },
  };
}
function busyFor(where: string, more: object = {}, labels: Record<string, string> = {}): Pod {
  return busy('probe', where, more, labels);
}

/** Names of the volume with the pod's own token are drawn by lot. */
function withoutToken({ initContainers, volumes }: Pod['spec']): object {
  return { initContainers, volumes: volumes?.filter(({ name: called }) => !called.startsWith('kube-api-access')) };
}

interface Services {
  services: { name: string; pid: number }[];
}
const pidOf = ({ services }: Services, service: string): number =>
  services.find((one) => one.name === service)?.pid ?? 0;

const findSidecar = `
for folder in /proc/[0-9]*; do
  if tr '\\0' ' ' <$folder/cmdline 2>/dev/null | grep -q '^/opt/godwit/node /opt/godwit/monitor/sidecar/main.ts '; then found=$folder; fi
done`;
const statusOfSidecar = `${findSidecar}
grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' $found/status`;
const tokensOfSidecar = `${findSidecar}
ls $found/root/var/run/secrets/kubernetes.io/serviceaccount | grep token`;

const fingerprint = `
const socket = require('node:tls').connect({ host: process.argv[1], port: 8443, rejectUnauthorized: false }, () => {
  console.log(socket.getPeerX509Certificate().fingerprint256);
  socket.end();
});`;
