import { execInNode } from '../exec.ts';
import type { LabSettings } from '../settings.ts';
import { etc } from './control-plane.ts';
import { dnsObjects } from './dns.ts';
import type { ClusterPlan } from './plan.ts';

// What `up` asks of the running cluster, by kubectl in the hub as the cluster's administrator.

/** Waits for the lab's nodes to be ready, and removes what the cluster knows of nodes that the lab has no more. */
export async function settleNodes(settings: LabSettings, plan: ClusterPlan): Promise<void> {
  const wanted = plan.workers.map(({ name }) => `node/${name}`);
  for (const what of ['create', 'condition=Ready'])
    await kubectl(settings, plan, ['wait', `--for=${what}`, '--timeout=60s', ...wanted]);
  const known = (await kubectl(settings, plan, ['get', 'nodes', '--output=name'])).split('\n').filter(Boolean);
  const gone = known.filter((name) => !wanted.includes(name));
  if (gone.length > 0) await kubectl(settings, plan, ['delete', ...gone]);
}

/** Starts CoreDNS, built as `key` says, on all nodes, and waits until it answers. */
export async function startDns(settings: LabSettings, plan: ClusterPlan, key: string): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: dnsObjects(key) };
  await kubectl(settings, plan, ['apply', '-f', '-'], JSON.stringify(list));
  await kubectl(settings, plan, ['rollout', 'status', '--namespace=kube-system', '--timeout=60s', 'daemonset/coredns']);
}

/** kubectl in the hub, as the cluster's administrator; answers its stdout. @throws E_EXEC */
export async function kubectl(
  settings: LabSettings,
  { lab, hub }: Pick<ClusterPlan, 'lab' | 'hub'>,
  args: string[],
  input?: string,
): Promise<string> {
  const argv = ['kubectl', `--kubeconfig=${etc}/admin.kubeconfig`, ...args];
  const options = { timeoutMs: 90_000, ...(input !== undefined && { input }) };
  return (await execInNode(settings, lab, hub.name, argv, options)).stdout;
}
