import { openAuthority } from '../../cli/pki/authority.ts';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { registry } from '../../lab/kubernetes/plan.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemClock } from '../../lib/clock.ts';
import { systemExec } from '../../lib/exec.ts';
import { cast, nodes, type Part } from './cast.ts';
import type { Stage, StageOptions } from './stage.ts';

/** A cluster of an edge and a cloud node; each part is a Deployment behind a port of all nodes. */
export async function raiseCluster({ lab, bundles, policy, tell }: StageOptions): Promise<Stage> {
  tell('raising a cluster: hub with the control plane and a registry, edge-1 (1 core), cloud-1 (2 cores)');
  const spec = { name: lab, nodes: [...nodes], binds: [{ source: bundles, target: '/opt/bundles' }], policy };
  const { cluster, fleet } = await clusterFleetUp(
    { ...spec, nodeConfig: { monitor: { intervalMs: 500 } } },
    (folder) => openAuthority(folder, systemClock),
    { onProgress: (line) => tell(`cluster    ${line}`) },
  );
  tell(`cluster    export KUBECONFIG=${cluster.kubeconfig}`);
  const kubectl = kubectlOf(cluster);
  for (const app of new Set(cast.map(({ app }) => app))) await push(lab, app);
  await kubectl(['apply', '-f', '-'], edgeNodes);
  tell('kubectl    apply: EdgeNode edge-1 (tier edge), EdgeNode cloud-1 (tier cloud)');
  const pods = new Map<string, string>();
  const address = fleet.lab.nodes.find(({ name }) => name === 'cloud-1')?.address ?? '';
  return {
    fleet,
    monitored: 'edge-1',
    start: async (part) => {
      await kubectl(['apply', '-f', '-'], deploymentOf(part));
      await kubectl(['rollout', 'status', `deployment/${part.name}`, '--timeout=60s']);
      pods.set(part.name, await kubectl(['get', 'pods', '--output=name', `--selector=app=${part.name}`]));
      return `http://${address}:${portOf(part)}`;
    },
    workloadOf: ({ name }) => `default.${(pods.get(name) ?? '').trim().replace('pod/', '')}`,
    detailsOf: async ({ id }) => {
      const { status } = JSON.parse(await kubectl(['get', 'migration', id, '--output=json'])) as Moved;
      const owner = await kubectl(['get', 'pod', status.targetPod, `--output=jsonpath=${ownerPath}`]);
      return { path: status.path, owner };
    },
  };
}

interface Moved {
  status: { path: string; targetPod: string };
}
const ownerPath = '{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}';

const kubectlOf =
  ({ kubectl, kubeconfig }: Cluster) =>
  async (args: readonly string[], input?: object): Promise<string> => {
    const [file = '', ...first] = kubectl.split(' ');
    const options = { timeoutMs: 90_000, ...(input && { input: JSON.stringify(input) }) };
    return (await systemExec(file, [...first, `--kubeconfig=${kubeconfig}`, ...args], options)).stdout;
  };

/** The app's bundle as an image in the lab's registry. */
async function push(lab: string, app: string): Promise<void> {
  const folders = ['app', 'lib', 'lib64', 'usr'];
  const files = Object.fromEntries(folders.map((name) => [`/opt/bundles/${app}/rootfs/${name}`, `/${name}`]));
  await pushImage(labSettings(), lab, 'hub', {
    name: `${app}:1`,
    files,
    entrypoint: ['/usr/bin/node', '/app/main.mjs'],
  });
}

const list = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

const edgeNodes = list(
  nodes.flatMap(({ name, kind, site }) =>
    kind === 'hub'
      ? []
      : [{ apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode', metadata: { name }, spec: { tier: kind, site } }],
  ),
);

const firstPort = 30_000;
const portOf = ({ host }: Part): number => firstPort + host;

const preferEdge = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: { matchExpressions: [{ key: 'godwit.dev/tier', operator: 'In', values: ['edge'] }] },
      },
    ],
  },
};

function deploymentOf(part: Part): object {
  const { name, app, keeps, env } = part;
  const labels = { app: name };
  const settings = { PATH: '/usr/bin:/bin', UV_USE_IO_URING: '0', PORT: '8080', MAX_PIXELS: '4000000', ...env };
  const container = {
    name: 'app',
    image: `${registry}/${app}:1`,
    env: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  const metadata = {
    name,
    annotations: { 'godwit.dev/restore-policy': keeps === 'memory' ? 'checkpoint' : 'restart' },
  };
  const pod = { runtimeClassName: 'godwit', automountServiceAccountToken: false, affinity: preferEdge };
  return list([
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...pod, containers: [container] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { type: 'NodePort', selector: labels, ports: [{ port: 80, targetPort: 8080, nodePort: portOf(part) }] },
    },
  ]);
}
