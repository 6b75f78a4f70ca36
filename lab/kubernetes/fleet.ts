import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { type Fleet, type FleetSpec, fleetUp } from '../fleet.ts';
import { type LabSettings, labSettings } from '../settings.ts';
import type { OpenAuthority } from './certificates.ts';
import { type Cluster, clusterSpec, clusterUp } from './cluster.ts';
import { etc } from './control-plane.ts';
import { kubectl } from './objects.ts';
import { type ClusterPlan, planCluster } from './plan.ts';
import { checkpoints, checkpointToken, podEngine } from './worker.ts';

const kubeconfig = `${etc}/admin.kubeconfig`;
const controllersKubeconfig = `${etc}/controllers.kubeconfig`;

/**
 * A cluster, and Godwit beside it: hub, decider and controllers on the node of the control plane, monitor and agent on all others;
 * `policy`, by default that of the manifests, in the ConfigMap godwit-policy. A repeat repairs, and leaves the policy as it has been
 * edited. @throws E_LAB, E_CONFIG, E_SETUP
 */
export async function clusterFleetUp(
  { policy, nodeConfig, ...spec }: FleetSpec,
  authority: OpenAuthority,
  given: Partial<LabSettings> = {},
): Promise<{ cluster: Cluster; fleet: Fleet }> {
  const settings = labSettings(given);
  const full = await clusterSpec(spec, given);
  const cluster = await clusterUp(full, authority, given);
  const plan = planCluster(cluster.lab.name, cluster.lab.nodes);
  await kubectl(settings, plan, ['apply', '-f', '-'], await objects(settings));
  const found = await kubectl(settings, plan, ['get', '--ignore-not-found', '--output=name', ...policyMap]);
  if (found === '') await kubectl(settings, plan, ['create', '-f', '-'], await policyObject(settings, policy));
  await giveTokens(settings, plan);
  const fleet = await fleetUp(
    {
      ...full,
      nodeConfig: { ...podEngine, ...nodeConfig },
      hubConfig: { decider: { kubernetes: { kubeconfig } }, controllers: 'controller.yaml' },
      hubFiles: {
        'controller.yaml': stringify({
          ...{ kubeconfig: controllersKubeconfig, checkpoints },
          nats: { servers: [`tls://${plan.hub.address}:4222`] },
        }),
      },
    },
    given,
  );
  settings.onProgress('agents, decider and controllers started');
  return { cluster, fleet };
}

/** Lets every node's agent ask its kubelet for checkpoints, as the component `image-path` does. */
async function giveTokens(settings: LabSettings, plan: ClusterPlan): Promise<void> {
  const rights = join(settings.checkout, 'k8s/manifests/components/image-path/rights.yaml');
  await kubectl(settings, plan, ['apply', '-f', '-'], `${agentAccount}---\n${await readFile(rights, 'utf8')}`);
  const ask = ['create', 'token', 'godwit-agent', '--namespace=godwit-node', '--duration=24h'];
  const token = await kubectl(settings, plan, ask);
  for (const { root } of plan.workers) await writeFile(`${root}${checkpointToken}`, token, { mode: 0o600 });
}

const agentAccount = stringify({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'godwit-agent', namespace: 'godwit-node' },
});

const namespace = 'godwit-system';
const policyMap = ['configmap/godwit-policy', `--namespace=${namespace}`];

async function policyObject({ checkout }: LabSettings, policy: string | undefined): Promise<string> {
  if (policy === undefined) return readFile(join(checkout, 'k8s/manifests/base/policy.yaml'), 'utf8');
  const metadata = { name: 'godwit-policy', namespace };
  return stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': policy } });
}

/** Namespaces, runtime class, definitions of our kinds and the controllers' rights, as they are installed anywhere. */
async function objects({ checkout }: LabSettings): Promise<string> {
  const manifests = join(checkout, 'k8s/manifests');
  const crds = (await readdir(join(manifests, 'crds'))).filter((name) => name !== 'kustomization.yaml').sort();
  const files = ['base/namespaces.yaml', 'base/runtime-class.yaml', ...crds.map((name) => `crds/${name}`)];
  const read = (file: string): Promise<string> => readFile(join(manifests, file), 'utf8');
  const texts = await Promise.all(files.map(read));
  return [...texts, ...rightsIn(await read('base/controller.yaml'))].join('\n---\n');
}

function rightsIn(manifest: string): string[] {
  const documents = parseAllDocuments(manifest).map((document) => document.toJS() as { apiVersion: string });
  return documents.filter(({ apiVersion }) => apiVersion.startsWith('rbac.')).map((object) => stringify(object));
}
