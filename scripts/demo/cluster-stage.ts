import { registry } from '../../lab/kubernetes/plan.ts';
import { cast, type Part } from './cast.ts';
import { raiseDemoCluster } from './cluster.ts';
import type { Stage, StageOptions } from './stage.ts';

/** A cluster of an edge and a cloud node; each part is a Deployment behind a port of all nodes. */
export async function raiseCluster({ lab, bundles, policy, tell }: StageOptions): Promise<Stage> {
  const apps = [...new Set(cast.map(({ app }) => app))];
  const { fleet, kubectl, address } = await raiseDemoCluster({ lab, bundles, policy, tell }, apps);
  const pods = new Map<string, string>();
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

const list = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

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
