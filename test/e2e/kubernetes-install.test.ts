import { randomBytes } from 'node:crypto';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppsV1Api, CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushArchive } from '../../lab/kubernetes/images.ts';
import { labDown } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemExec } from '../../lib/exec.ts';
import { clusterObstacle, kubectl, testClusterUp } from '../helpers/kubernetes.ts';
import { until } from '../helpers/until.ts';
import { nodeOf } from '../integration/lab-helpers.ts';

const checkout = resolve(import.meta.dirname, '../..');
const archive = join(checkout, '.cache/image.tar');
const overlay = join(checkout, 'k8s/manifests/overlays/lab');
const [hubAddress, leafAddress] = ['10.96.0.20', '10.96.0.21'];
const system = 'godwit-system';

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

const noImage = await access(archive).then(
  () => undefined,
  () => 'the container image is not built: make image',
);
const missing = (await clusterObstacle()) ?? noImage;

describe('the overlay of the lab', () => {
  let cluster: Cluster;
  let core: CoreV1Api;
  let apps: AppsV1Api;
  let pki: string;

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    cluster = await testClusterUp(spec);
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
    apps = config.makeApiClient(AppsV1Api);
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')));
    await pushArchive(labSettings(), name, nodeOf(cluster.lab, 'hub'), { archive, name: `godwit:${version}` });
    pki = await mkdtemp(join(tmpdir(), 'godwit-pki-'));
    await issue();
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

  test('is let in by Pod Security, and all its processes are somebody without rights', async () => {
    const { items } = await core.listNamespacedEvent({ namespace: system });
    expect(items.filter(({ message }) => message?.includes('violates PodSecurity'))).toEqual([]);
    const { items: sets } = await apps.listNamespacedDeployment({ namespace: system });
    expect(sets.length).toBeGreaterThan(0);
    for (const { items: pods } of [await core.listNamespacedPod({ namespace: system })])
      for (const pod of pods) expect(pod.spec?.securityContext?.runAsNonRoot, pod.metadata?.name).toBe(true);
  });

  test('is taken away without a trace', async () => {
    await kubectl(cluster, ['delete', '-k', overlay, '--wait=true', '--timeout=90s']);
    const { items } = await core.listNamespace();
    expect(items.map(({ metadata }) => metadata?.name).filter((one) => one?.startsWith('godwit'))).toEqual([]);
    const kinds = 'clusterroles,clusterrolebindings,runtimeclasses,customresourcedefinitions';
    const left = (await kubectl(cluster, ['get', kinds, '--output=name'])).split('\n');
    expect(left.filter((line) => line.includes('godwit'))).toEqual([]);
  });
});
