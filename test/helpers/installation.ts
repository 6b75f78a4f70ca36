import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { pushArchive, pushImage } from '../../lab/kubernetes/images.ts';
import { labDown, labKill, labServices, labStart } from '../../lab/lab.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemExec } from '../../lib/exec.ts';
import { exists } from '../../lib/files.ts';
import { bundlesFolder } from '../../scripts/places.ts';
import { nodeOf } from '../integration/lab-helpers.ts';
import { kubectl, testClusterUp } from './kubernetes.ts';
import { until } from './until.ts';

// Godwit installed by its manifests, as docs/guides/kubernetes-install.md has it

const checkout = resolve(import.meta.dirname, '../..');
export const imageArchive = join(checkout, '.cache/image.tar');
export const overlay = join(checkout, 'k8s/manifests/overlays/lab');
const [hubAddress, leafAddress] = ['10.96.0.20', '10.96.0.21'];
export const workers = ['edge-1', 'cloud-1'];
const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
export const image = `godwit:${version}`;
/** Where the overlay of the lab has Godwit on its nodes. */
export const prefix = '/usr/local/lib/godwit';

const gib = 2 ** 30;

export interface Installation {
  cluster: Cluster;
  core: CoreV1Api;
  /** What kubectl prints. */
  kube(args: readonly string[], input?: object | string): Promise<string>;
  /** What kubectl says when it fails; throws when it does not. */
  refusal(args: readonly string[], input?: object): Promise<string>;
  godwitPki(...args: string[]): Promise<string>;
  /** Pods of a part in godwit-system. */
  podsOf(part: string): Promise<V1Pod[]>;
  /** The lab's nodes have no systemd: somebody else restarts it. */
  restartContainerd(node: string): Promise<void>;
  /** What the agent brought to the node and is still there. */
  leftOn(node: string): Promise<string[]>;
  down(): Promise<void>;
}

/** A cluster with Godwit's image and the app `counter:1` in its registry, and certificates; nothing of it is applied yet. */
export async function prepareInstallation(): Promise<Installation> {
  const name = `test-${randomBytes(4).toString('hex')}`;
  const pki = await mkdtemp(join(tmpdir(), 'godwit-pki-'));
  const down = async (): Promise<void> => {
    await labDown(name);
    await rm(pki, { recursive: true, force: true });
  };
  try {
    return await raise(name, pki, down);
  } catch (error) {
    await down();
    throw error;
  }
}

async function raise(name: string, pki: string, down: () => Promise<void>): Promise<Installation> {
  const cluster = await testClusterUp({
    name,
    nodes: [
      { name: 'hub', kind: 'hub', site: 'central', cores: 2, memoryBytes: 2 * gib },
      { name: 'edge-1', kind: 'edge', site: 'plant', cores: 1, memoryBytes: gib },
      { name: 'cloud-1', kind: 'cloud', site: 'central', cores: 2, memoryBytes: 2 * gib },
    ],
    binds: [{ source: bundlesFolder(), target: '/opt/bundles' }],
  });
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  await pushImages(cluster);
  const godwitPki = async (...args: string[]): Promise<string> =>
    (await systemExec(join(checkout, 'bin/godwit'), ['pki', ...args, '--dir', pki])).stdout;
  await issue(cluster, godwitPki);
  const configOf = (node: string): Promise<string> =>
    readFile(`${nodeOf(cluster.lab, node).root}/etc/containerd/config.toml`, 'utf8');
  const configsBefore = new Map(await Promise.all(workers.map(async (node) => [node, await configOf(node)] as const)));
  const kube: Installation['kube'] = (args, input) =>
    kubectl(cluster, args, typeof input === 'object' ? JSON.stringify(input) : input);
  return {
    ...{ cluster, core, kube, godwitPki, down },
    refusal: async (args, input) => {
      const said = await kube(args, input).catch((error: Error) => error);
      if (said instanceof Error) return said.message;
      throw new Error(`kubectl ${args.join(' ')} was not refused`);
    },
    podsOf: async (part) => {
      const labelSelector = `app.kubernetes.io/name=${part}`;
      return (await core.listNamespacedPod({ namespace: 'godwit-system', labelSelector })).items;
    },
    restartContainerd: async (node) => {
      const services = await labServices(name, node);
      const running = services.find((service) => service.name === 'containerd' && service.running);
      if (running) await labKill(name, node, running.pid, { waitMs: 20_000 });
      await labStart(name, node, ['containerd'], { name: 'containerd' });
      await until(`containerd of ${node}`, 30_000, () => exists(socketOf(cluster, node)).then((is) => is || undefined));
    },
    leftOn: async (node) => {
      const { root } = nodeOf(cluster.lab, node);
      const groups = ['memory/godwit', 'freezer/godwit', 'godwit'].map((group) => `/sys/fs/cgroup/${group}`);
      const paths = [prefix, '/etc/godwit', '/etc/containerd/conf.d/godwit.toml', '/run/godwit/sidecar', ...groups];
      const present = await Promise.all(paths.map(async (path) => ((await exists(root + path)) ? [path] : [])));
      const changed = (await configOf(node)) === configsBefore.get(node) ? [] : ['/etc/containerd/config.toml'];
      return [...present.flat(), ...changed];
    },
  };
}

const socketOf = ({ lab }: Cluster, node: string): string => `${nodeOf(lab, node).root}/run/containerd/containerd.sock`;

async function pushImages({ lab }: Cluster): Promise<void> {
  await pushArchive(labSettings(), lab.name, nodeOf(lab, 'hub'), { archive: imageArchive, name: image });
  const folders = ['app', 'lib', 'lib64', 'usr'];
  const files = Object.fromEntries(folders.map((one) => [`/opt/bundles/counter/rootfs/${one}`, `/${one}`]));
  const counter = { name: 'counter:1', files, entrypoint: ['/usr/bin/node', '/app/main.mjs'] };
  await pushImage(labSettings(), lab.name, 'hub', counter);
}

async function issue({ lab }: Cluster, godwitPki: Installation['godwitPki']): Promise<void> {
  await godwitPki('init');
  await godwitPki('hub', '--address', hubAddress);
  const node = (of: string, ...flags: string[]): Promise<string> =>
    godwitPki('node', of, '--kubernetes', '--address', nodeOf(lab, of).address, ...flags);
  await node('edge-1', '--tier', 'edge', '--site', 'plant', '--leaf-address', leafAddress, '--monitoring', 'sidecar');
  await node('cloud-1', '--tier', 'cloud', '--site', 'central');
}

export const isReady = ({ status }: V1Pod): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
