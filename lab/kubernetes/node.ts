import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { execInNode } from '../exec.ts';
import { inNodeNetwork } from '../ports.ts';
import type { LabSettings } from '../settings.ts';
import { readNode, requireLab } from '../state.ts';
import { kubeconfig } from './certificates.ts';
import { data, etc } from './control-plane.ts';
import type { ClusterPlan, Place } from './plan.ts';
import { inNode, kubePrograms } from './software.ts';

export interface NodeContent {
  /** Texts by path in the node. */
  files: Readonly<Record<string, string>>;
  /** What of the cluster's folder goes to /etc/kubernetes: files, and a kubeconfig for each user. */
  secrets: { files: readonly string[]; users: readonly string[] };
}

/** Lays out the node for its components; repeats change nothing. */
export async function prepareNode(
  settings: LabSettings,
  plan: ClusterPlan,
  node: Place,
  folder: string,
  { files, secrets }: NodeContent,
): Promise<void> {
  const texts: Record<string, string> = { ...files };
  for (const file of secrets.files) texts[`${etc}/${file}`] = await readFile(join(folder, file), 'utf8');
  for (const user of secrets.users)
    texts[`${etc}/${user}.kubeconfig`] = stringify(await kubeconfig(folder, plan.api, user));
  texts[trustedCertificates] = await withAuthority(settings, plan.lab, folder);
  for (const [path, text] of Object.entries(texts)) await writeInNode(node, path, text);
  await execInNode(settings, plan.lab, node.name, ['/bin/sh', '-euc', layout], {
    input: tunables.map((tunable) => `${tunable.join(' ')}\n`).join(''),
    timeoutMs: 20_000,
  });
  await addRoutes(settings, plan, node);
}

async function writeInNode({ root }: Place, path: string, text: string): Promise<void> {
  const target = `${root}${path}`;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text, { mode: path.startsWith(`${etc}/`) ? 0o600 : 0o644 });
}

const trustedCertificates = '/etc/ssl/certs/ca-certificates.crt';

/** What the nodes' root trusts, and the cluster's authority: containerd and skopeo ask no other list. */
async function withAuthority(settings: LabSettings, lab: string, folder: string): Promise<string> {
  const { root } = await requireLab(settings, lab);
  const lists = [`${root}${trustedCertificates}`, join(folder, 'ca.crt')];
  return (await Promise.all(lists.map((path) => readFile(path, 'utf8')))).join('');
}

/**
 * What the kubelet wants of the kernel, by path below /proc/sys: `setupKernelTunables` of its container manager. It would
 * set them for the whole machine; in the node a file with the wanted value stands in the place of each.
 */
const tunables = [
  ['vm/overcommit_memory', 1],
  ['vm/panic_on_oom', 0],
  ['kernel/panic', 10],
  ['kernel/panic_on_oops', 1],
  ['kernel/keys/root_maxkeys', 1_000_000],
  ['kernel/keys/root_maxbytes', 25_000_000],
] as const;

// containerd stacks overlays, so its folder may be none; containers may ask to see the mounts that the kubelet makes
const layout = `
for folder in containerd kubelet; do
  mkdir -p ${data}/$folder /var/lib/$folder
  mountpoint -q /var/lib/$folder || mount --bind ${data}/$folder /var/lib/$folder
done
mount --make-rshared /var/lib/kubelet
for name in ${kubePrograms.join(' ')}; do ln -sfn ${inNode('kube')} /usr/local/bin/$name; done
while read -r path value; do
  [ "$(cat /proc/sys/$path)" != "$value" ] || continue
  mkdir -p "/run/sysctl/$(dirname "$path")"
  echo "$value" >"/run/sysctl/$path"
  mount --bind "/run/sysctl/$path" "/proc/sys/$path"
done`;

/** Ways to the pods of all other nodes. */
async function addRoutes(settings: LabSettings, { lab, workers }: ClusterPlan, node: Place): Promise<void> {
  const state = await readNode(settings, lab, node.name);
  const others = workers.filter(({ name }) => name !== node.name);
  const lines = others.map(({ podCidr, address }) => `route replace ${podCidr} via ${address}`);
  if (state) await inNodeNetwork(settings, state.init, ['ip', '-batch', '-'], lines.join('\n'));
}
