import { openAuthority } from '../../cli/pki/authority.ts';
import type { Fleet } from '../../lab/fleet.ts';
import type { Cluster } from '../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { pushImage } from '../../lab/kubernetes/images.ts';
import { labSettings } from '../../lab/settings.ts';
import { systemClock } from '../../lib/clock.ts';
import { systemExec } from '../../lib/exec.ts';
import { nodes } from './cast.ts';
import type { StageOptions } from './stage.ts';

/** What it prints; `input` goes to it as JSON. @throws E_EXEC, E_TIMEOUT */
export type Kubectl = (args: readonly string[], input?: object) => Promise<string>;

export interface DemoCluster {
  fleet: Fleet;
  kubectl: Kubectl;
  /** Of the node at which people ask, by the ports of Services. */
  address: string;
}

/** A cluster of an edge and a cloud node, which Godwit looks after, with images of these apps in its registry. */
export async function raiseDemoCluster(
  { lab, bundles, policy, tell }: StageOptions,
  apps: readonly string[],
): Promise<DemoCluster> {
  tell('raising a cluster: hub with the control plane and a registry, edge-1 (1 core), cloud-1 (2 cores)');
  const spec = { name: lab, nodes: [...nodes], binds: [{ source: bundles, target: '/opt/bundles' }], policy };
  const { cluster, fleet } = await clusterFleetUp(
    { ...spec, nodeConfig: { monitor: { intervalMs: 500 } } },
    (folder) => openAuthority(folder, systemClock),
    { onProgress: (line) => tell(`cluster    ${line}`) },
  );
  tell(`cluster    export KUBECONFIG=${cluster.kubeconfig}`);
  const kubectl = kubectlOf(cluster);
  for (const app of apps) await push(lab, app);
  await kubectl(['apply', '-f', '-'], edgeNodes);
  tell('kubectl    apply: EdgeNode edge-1 (tier edge), EdgeNode cloud-1 (tier cloud)');
  return { fleet, kubectl, address: fleet.lab.nodes.find(({ name }) => name === 'cloud-1')?.address ?? '' };
}

const kubectlOf =
  ({ kubectl, kubeconfig }: Cluster): Kubectl =>
  async (args, input) => {
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

const edgeNodes = {
  apiVersion: 'v1',
  kind: 'List',
  items: nodes.flatMap(({ name, kind, site }) =>
    kind === 'hub'
      ? []
      : [{ apiVersion: 'godwit.dev/v1alpha1', kind: 'EdgeNode', metadata: { name }, spec: { tier: kind, site } }],
  ),
};
