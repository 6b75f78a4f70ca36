import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CoreV1Api, KubeConfig, type V1Pod, VersionApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { clusterStatus } from '../../lab/kubernetes/status.ts';
import { labDown, labExec, labServices, labUp } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import type { LabStatus } from '../../lab/status.ts';
import { clusterObstacle, testClusterUp } from '../helpers/kubernetes.ts';
import { until } from '../helpers/until.ts';
import { footprint, nodeOf, tracesOf } from '../integration/lab-helpers.ts';

const gib = 2 ** 30;
const name = `test-${randomBytes(4).toString('hex')}`;
const spec = {
  name,
  nodes: [
    { name: 'hub', kind: 'hub' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
    { name: 'edge-1', kind: 'edge' as const, site: 'plant', cores: 0.75, memoryBytes: gib },
    { name: 'cloud-1', kind: 'cloud' as const, site: 'central', cores: 2, memoryBytes: 2 * gib },
  ],
};
const up = (): Promise<Cluster> => testClusterUp(spec);

const missing = await clusterObstacle();

/** Settings of the machine that a kubelet would change. */
const tunables = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys'];
const machineSettings = (): Promise<string[]> =>
  Promise.all(tunables.map((path) => readFile(`/proc/sys/${path}`, 'utf8')));

describe('a cluster with an edge and a cloud node', () => {
  let cluster: Cluster;
  let core: CoreV1Api;
  let settingsBefore: string[];

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    settingsBefore = await machineSettings();
    cluster = await up();
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\.36\./);
  });
  afterAll(() => labDown(name));

  async function statusOfPod(pod: string): Promise<{ phase?: string; ready: boolean; restartCount: number }> {
    const { status } = await core.readNamespacedPod({ namespace, name: pod });
    const [container] = status?.containerStatuses ?? [];
    const { ready = false, restartCount = 0 } = container ?? {};
    return { ...(status?.phase && { phase: status.phase }), ready, restartCount };
  }

  test('has nodes that are ready, with their labels, and the cores and memory that the lab gives them', async () => {
    const { items } = await core.listNode();
    const seen = items.map(({ metadata, status }) => ({
      name: metadata?.name,
      tier: metadata?.labels?.['godwit.dev/tier'],
      site: metadata?.labels?.['godwit.dev/site'],
      ready: status?.conditions?.find(({ type }) => type === 'Ready')?.status,
      address: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
      cpu: status?.allocatable?.cpu,
    }));
    const address = (node: string): string => nodeOf(cluster.lab, node).address;
    expect(seen.sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''))).toEqual([
      { name: 'cloud-1', tier: 'cloud', site: 'central', ready: 'True', address: address('cloud-1'), cpu: '2' },
      { name: 'edge-1', tier: 'edge', site: 'plant', ready: 'True', address: address('edge-1'), cpu: '750m' },
    ]);
    const edge = items.find(({ metadata }) => metadata?.name === 'edge-1');
    const evictedBelow = 100 * 2 ** 20;
    const allocatable = Number(/^(\d+)Ki$/.exec(edge?.status?.allocatable?.memory ?? '')?.[1]) * 1024;
    expect(Math.abs(allocatable - (gib - evictedBelow))).toBeLessThanOrEqual(2 ** 20);
  });

  test('runs pods of an image of its registry on both nodes, and one finds and reaches the other by a service', async () => {
    const files = { '/usr/bin/busybox': '/busybox' };
    await pushImage(labSettings(), name, 'hub', { name: 'web:1', files, entrypoint: ['/busybox'] });
    const spec = { selector: { app: 'edge-1' }, ports: [{ port: 80, targetPort: 8080 }] };
    const service = await core.createNamespacedService({ namespace, body: { metadata: { name: 'web' }, spec } });
    const address = service.spec?.clusterIP ?? '';
    await core.createNamespacedPod({ namespace, body: pod('edge-1', 'hostname >/index.html; exec httpd -f -p 8080') });
    // busybox's nslookup asks for a name without a dot below the search domains alone
    const ask = `
      until wget -T 2 -q -O - http://${address}/; do sleep 0.1; done
      nslookup -type=a web.default.svc.cluster.local && nslookup -type=a hub. && echo done && exec sleep 1000`;
    await core.createNamespacedPod({ namespace, body: pod('cloud-1', ask) });
    const said = await until('the answers', 60_000, async () => {
      const log = await core.readNamespacedPodLog({ namespace, name: 'cloud-1' });
      return log.includes('done') ? log : undefined;
    });
    expect(said).toMatch(/^edge-1\n/);
    expect(said).toContain(`Address: ${address}\n`);
    expect(said).toContain(`Address: ${nodeOf(cluster.lab, 'hub').address}\n`);
    const pods = await core.listNamespacedPod({ namespace });
    const networks = pods.items.map(({ status }) => status?.podIP?.replace(/\.\d+$/, ''));
    const networkOf = (node: string): string => `10.244.${nodeOf(cluster.lab, node).address.split('.').at(-1)}`;
    expect(networks.sort()).toEqual(['edge-1', 'cloud-1'].map(networkOf).sort());
  });

  test('a second up starts what was killed and leaves the rest running', async () => {
    const victims = ['edge-1/containerd', 'edge-1/kubelet', 'hub/etcd', 'hub/kube-scheduler'];
    const before = await pidsOf(cluster.lab);
    expect(Object.keys(before).length).toBe(11);
    for (const victim of victims) process.kill(before[victim] ?? 0, 'SIGKILL');
    await until('the killed to be missed', 10_000, async () => {
      const stopped = await stoppedIn(cluster.lab);
      return stopped.join() === victims.join() || undefined;
    });
    cluster = await up();
    expect(await stoppedIn(cluster.lab)).toEqual([]);
    const after = await pidsOf(cluster.lab);
    expect(Object.keys(after).filter((one) => after[one] !== before[one])).toEqual(victims);
    expect(await statusOfPod('edge-1')).toMatchObject({ phase: 'Running', restartCount: 0 });
  });

  test('a node whose first process was killed comes back with its pods', async () => {
    process.kill(nodeOf(cluster.lab, 'edge-1').pid, 'SIGKILL');
    cluster = await up();
    await until('the pod to run again', 60_000, async () => {
      const { ready, restartCount } = await statusOfPod('edge-1');
      return (ready && restartCount > 0) || undefined;
    });
  });

  test('is not turned into a lab of another root file system under its feet', async () => {
    await expect(labUp({ name, nodes: spec.nodes })).rejects.toMatchObject({ code: 'E_CONFIG' });
  });

  test('changes no setting of the machine', async () => {
    const inside = await labExec(name, 'edge-1', ['cat', '/proc/sys/kernel/panic']);
    expect(inside.stdout).toBe('10');
    expect(await machineSettings()).toEqual(settingsBefore);
  });

  test('down leaves nothing, though a pod is frozen and parts were killed', async () => {
    const pids = await pidsOf(cluster.lab);
    const freeze = `
      group=$(dirname $(find /sys/fs/cgroup/freezer/kubepods -mindepth 3 -name freezer.state | head -1))
      echo FROZEN >$group/freezer.state; cat $group/freezer.state`;
    expect((await labExec(name, 'cloud-1', ['/bin/sh', '-ec', freeze])).stdout).toMatch(/FR/);
    const left = await footprint(cluster.lab);
    expect((await tracesOf(left)).join('\n')).toMatch(/kubepods/);
    for (const victim of ['hub/kube-apiserver', 'cloud-1/containerd', 'edge-1/kubelet'])
      process.kill(pids[victim] ?? 0, 'SIGKILL');
    process.kill(nodeOf(cluster.lab, 'edge-1').pid, 'SIGKILL');
    await labDown(name);
    expect(await tracesOf(left)).toEqual([]);
  });
});

const namespace = 'default';

/** A pod of that node's name, on it, that runs a shell script. */
function pod(node: string, script: string): V1Pod {
  const args = ['sh', '-c', `/busybox mkdir /bin && /busybox --install -s /bin && ${script}`];
  return {
    metadata: { name: node, labels: { app: node } },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: `${registry}/web:1`, args, env: [{ name: 'PATH', value: '/bin' }] }],
    },
  };
}

/** Process ids of what runs, by node and name. */
async function pidsOf(lab: LabStatus): Promise<Record<string, number>> {
  const services = (await Promise.all(lab.nodes.map((node) => labServices(lab.name, node.name)))).flat();
  const running = services.filter((service) => service.running);
  return Object.fromEntries(running.map((service) => [`${service.node}/${service.name}`, service.pid]).sort());
}

/** What should run and does not, as `node/component`. */
async function stoppedIn(lab: LabStatus): Promise<string[]> {
  const status = Object.entries((await clusterStatus(lab)) ?? {});
  return status.flatMap(([node, { stopped }]) => stopped.map((component) => `${node}/${component}`)).sort();
}
