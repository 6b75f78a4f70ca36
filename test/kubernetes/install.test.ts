import { randomBytes } from 'node:crypto';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushArchive } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labDown, labKill, labServices, labStart } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemExec } from '../../lib/exec.ts';
import { clusterObstacle, kubectl, testClusterUp } from '../helpers/kubernetes.ts';
import { until } from '../helpers/until.ts';
import { nodeOf, sh } from '../integration/lab-helpers.ts';

const checkout = resolve(import.meta.dirname, '../..');
const archive = join(checkout, '.cache/image.tar');
const overlay = join(checkout, 'k8s/manifests/overlays/lab');
const [hubAddress, leafAddress] = ['10.96.0.20', '10.96.0.21'];
const system = 'godwit-system';
const workers = ['edge-1', 'cloud-1'];
const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
const image = `godwit:${version}`;

const gib = 2 ** 30;
const name = `test-${randomBytes(4).toString('hex')}`;
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    { name: 'edge-1', kind: 'edge' as const, site: 'plant', cores: 1, memoryBytes: gib },
    { name: 'cloud-1', kind: 'cloud' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
  ],
};

const prefix = '/usr/local/lib/godwit';
// brackets: else the shell itself is found as well
const groupsOfMigrator = `for pid in $(pgrep -f '[m]igrator/main.ts'); do cat /proc/$pid/cgroup; done`;
const rightsOfParts = `for pid in $(pgrep -f '[d]ecider/main.ts|[m]ain.ts hub|[n]ats-server'); do
  awk '/^(Uid|CapEff):/ { print $1, $2 }' /proc/$pid/status
done`;
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const noImage = await access(archive).then(
  () => undefined,
  () => 'the container image is not built: make image',
);
const missing = (await clusterObstacle()) ?? noImage;

describe('the overlay of the lab', () => {
  let cluster: Cluster;
  let core: CoreV1Api;
  let pki: string;
  let movable = false;
  const configsBefore = new Map<string, string>();

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    cluster = await testClusterUp(spec);
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
    await pushArchive(labSettings(), name, nodeOf(cluster.lab, 'hub'), { archive, name: image });
    pki = await mkdtemp(join(tmpdir(), 'godwit-pki-'));
    await issue();
    for (const node of workers) configsBefore.set(node, await configOf(node));
  });
  afterAll(async () => {
    await labDown(name);
    if (pki) await rm(pki, { recursive: true, force: true });
  });

  const godwit = async (...args: string[]): Promise<string> =>
    (await systemExec(join(checkout, 'bin/godwit'), ['pki', ...args, '--dir', pki])).stdout;

  /** As docs/guides/kubernetes-install.md has it. */
  async function issue(): Promise<void> {
    await godwit('init');
    await godwit('hub', '--address', hubAddress);
    const node = (of: string, ...flags: string[]): Promise<string> =>
      godwit('node', of, '--kubernetes', '--address', nodeOf(cluster.lab, of).address, ...flags);
    await node('edge-1', '--tier', 'edge', '--site', 'plant', '--leaf-address', leafAddress);
    await node('cloud-1', '--tier', 'cloud', '--site', 'central');
  }

  const podsOf = async (part: string): Promise<V1Pod[]> =>
    (await core.listNamespacedPod({ namespace: system, labelSelector: `app.kubernetes.io/name=${part}` })).items;
  const isReady = ({ status }: V1Pod): boolean =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

  /** The lab's nodes have no systemd: somebody else restarts it. */
  async function restartContainerd(node: string): Promise<void> {
    const running = (await labServices(name, node)).find((service) => service.name === 'containerd' && service.running);
    if (running) await labKill(name, node, running.pid, { waitMs: 20_000 });
    await labStart(name, node, ['containerd'], { name: 'containerd' });
  }

  const configOf = (node: string): Promise<string> =>
    readFile(`${nodeOf(cluster.lab, node).root}/etc/containerd/config.toml`, 'utf8');

  /** What the agent brought to the node and is still there. */
  async function leftOn(node: string): Promise<string[]> {
    const { root } = nodeOf(cluster.lab, node);
    const paths = [prefix, '/etc/godwit', '/etc/containerd/conf.d/godwit.toml'];
    const present = await Promise.all(paths.map(async (path) => ((await exists(root + path)) ? [path] : [])));
    const changed = (await configOf(node)) === configsBefore.get(node) ? [] : ['/etc/containerd/config.toml'];
    return [...present.flat(), ...changed];
  }

  test('is applied with the Secrets of its parts', async () => {
    await kubectl(cluster, ['apply', '-f', join(checkout, 'k8s/manifests/base/namespaces.yaml')]);
    await kubectl(cluster, ['apply', '-f', '-'], await godwit('secrets'));
    await kubectl(cluster, ['apply', '-k', overlay]);
  });

  test('brings the hub up, and the leaf of the site at the site', async () => {
    const [hub, leaf] = await Promise.all(
      ['godwit-hub', 'godwit-leaf'].map((part) =>
        until(`${part} to be ready`, 120_000, async () => (await podsOf(part)).find(isReady)),
      ),
    );
    expect(hub?.spec?.nodeName).toBe('cloud-1');
    expect(leaf?.spec?.nodeName).toBe('edge-1');
  });

  test('has the leaf linked to the hub with TLS: what the site says is sourced', async () => {
    await until('the leaf to be known', 60_000, async () => {
      const log = await core.readNamespacedPodLog({ namespace: system, name: 'godwit-hub-0' });
      return /"missing":\[\][^\n]*know the nodes/.test(log) || undefined;
    });
  });

  test('brings two deciders up, of which one leads', async () => {
    const pods = await until('two deciders', 60_000, async () => {
      const ready = (await podsOf('godwit-decider')).filter(isReady);
      return ready.length === 2 ? ready : undefined;
    });
    const log = async ({ metadata }: V1Pod): Promise<string> =>
      core.readNamespacedPodLog({ namespace: system, name: metadata?.name ?? '' });
    await until('a leader', 60_000, async () => {
      const logs = await Promise.all(pods.map(log));
      return logs.some((text) => /lead/i.test(text)) || undefined;
    });
  });

  test('brings two controllers up, of which one leads', async () => {
    await until('two controllers', 60_000, async () => {
      const ready = (await podsOf('godwit-controller')).filter(isReady);
      return ready.length === 2 || undefined;
    });
    const lease = ['get', 'lease', 'godwit-controller', '-n', system, '-o', 'jsonpath={.spec.holderIdentity}'];
    const holder = await until('a leader', 60_000, async () => (await kubectl(cluster, lease)) || undefined);
    expect(holder).toMatch(/^godwit-controller-/);
    const pods = await podsOf('godwit-controller');
    expect(pods.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
    for (const { metadata } of pods) {
      const log = await core.readNamespacedPodLog({ namespace: system, name: metadata?.name ?? '' });
      expect(log).not.toMatch(/forbidden/i);
    }
  });

  test('is let in by Pod Security, and all its processes are somebody without rights', async () => {
    const { items } = await core.listNamespacedEvent({ namespace: system });
    expect(items.filter(({ message }) => message?.includes('violates PodSecurity'))).toEqual([]);
    // hub and decider; what runs as somebody else stands in another line
    const told = await sh(cluster.lab, 'cloud-1', rightsOfParts);
    expect([...new Set(told.trim().split('\n'))]).toEqual(['Uid: 65532', 'CapEff: 0000000000000000']);
  });

  test('has an agent on each node, in groups that do not end with its pod', async () => {
    for (const node of workers) {
      const log = await until(`the agent of ${node}`, 120_000, async () => {
        const pods = await core.listNamespacedPod({ namespace: 'godwit-node', fieldSelector: `spec.nodeName=${node}` });
        const name = pods.items[0]?.metadata?.name ?? '';
        const text = await core.readNamespacedPodLog({ namespace: 'godwit-node', name });
        return text.includes('migrator ready') ? text : undefined;
      });
      expect(log).toContain('containerd has to be restarted');
      const groups = await sh(cluster.lab, node, groupsOfMigrator);
      expect(groups).toContain('/godwit\n');
      expect(groups).not.toContain('kubepods');
    }
  });

  test('gives containerd a handler for pods that can move', async (context) => {
    const program = `${prefix}/.cache/bin/godwit-runtime`;
    if (!(await exists(`${nodeOf(cluster.lab, 'edge-1').root}${program}`)))
      context.skip('the image has no godwit-runtime');
    await restartContainerd('edge-1');
    const container = { name: 'main', image: `${registry}/${image}`, args: ['-e', 'setInterval(() => {}, 1000)'] };
    const metadata = { name: 'movable' };
    const spec = { runtimeClassName: 'godwit', nodeName: 'edge-1', terminationGracePeriodSeconds: 0 };
    await core.createNamespacedPod({
      namespace: 'default',
      body: { metadata, spec: { ...spec, containers: [container] } },
    });
    await until('the pod to run', 60_000, async () => {
      const { status } = await core.readNamespacedPod({ namespace: 'default', name: metadata.name });
      return status?.phase === 'Running' || undefined;
    });
    const tasks = '/run/containerd/io.containerd.runtime.v2.task/k8s.io';
    expect(await sh(cluster.lab, 'edge-1', `cat ${tasks}/*/runtime`)).toContain(program);
    movable = true;
  });

  test('is taken away without a trace', async () => {
    await kubectl(cluster, ['delete', '-k', overlay, '--wait=true', '--timeout=120s']);
    const { items } = await core.listNamespace();
    expect(items.map(({ metadata }) => metadata?.name).filter((one) => one?.startsWith('godwit'))).toEqual([]);
    const kinds = 'clusterroles,clusterrolebindings,runtimeclasses,customresourcedefinitions';
    const left = (await kubectl(cluster, ['get', kinds, '--output=name'])).split('\n');
    expect(left.filter((line) => line.includes('godwit'))).toEqual([]);
    expect(await leftOn('cloud-1')).toEqual([]);
    // a pod still runs there that the runtime has made, and will have to end
    expect(await leftOn('edge-1')).toEqual(movable ? [prefix] : []);
    if (movable) await kubectl(cluster, ['delete', 'pod', 'movable', '--timeout=60s']);
  });
});
