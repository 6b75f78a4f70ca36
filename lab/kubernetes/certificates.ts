import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../../lib/files.ts';
import { apiService, type ClusterPlan, registryName } from './plan.ts';

export interface CertificateRequest {
  /** Common name: to Kubernetes, the user. */
  name: string;
  /** To Kubernetes, the user's group. */
  organization?: string;
  serves?: { addresses: readonly string[]; names: readonly string[] };
}

/** PEM throughout. */
interface CertificateAuthority {
  certificate: string;
  issue(request: CertificateRequest): Promise<{ certificate: string; key: string }>;
}

/** The authority whose `ca.crt` and `ca.key` stand in a folder, made there if it is not. The lab's caller brings it. */
export type OpenAuthority = (folder: string) => Promise<CertificateAuthority>;

/** As whom Godwit's controllers beside the cluster ask: with the rights that their ServiceAccount has inside one. */
export const controllersUser = 'system:serviceaccount:godwit-system:godwit-controller';

/** By the name of the file without its ending. Groups and users: kubernetes.io/docs/setup/best-practices/certificates. */
export function certificatesOf({ hub, workers }: ClusterPlan): Record<string, CertificateRequest> {
  const apiNames = ['', '.default', '.default.svc', '.default.svc.cluster.local'].map((end) => `kubernetes${end}`);
  const serves = { addresses: [hub.address], names: [hub.name] };
  const nodes = workers.map(({ name, address }) => [
    `node-${name}`,
    { name: `system:node:${name}`, organization: 'system:nodes', serves: { addresses: [address], names: [name] } },
  ]);
  return {
    apiserver: {
      name: 'kube-apiserver',
      serves: { addresses: [hub.address, '127.0.0.1', apiService], names: [hub.name, ...apiNames] },
    },
    'kubelet-client': { name: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
    'controller-manager': { name: 'system:kube-controller-manager', serves },
    scheduler: { name: 'system:kube-scheduler', serves },
    proxy: { name: 'system:kube-proxy' },
    admin: { name: 'admin', organization: 'system:masters' },
    controllers: { name: controllersUser },
    registry: { name: 'registry', serves: { addresses: [hub.address], names: [registryName, hub.name] } },
    ...Object.fromEntries(nodes),
  };
}

/** Issues what is missing or was issued for another request; what fits stays, so that a running cluster goes on. */
export async function issueAll(folder: string, plan: ClusterPlan, open: OpenAuthority): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await open(folder);
  for (const [file, request] of Object.entries(certificatesOf(plan))) {
    const path = join(folder, file);
    const wanted = JSON.stringify(request);
    if ((await readIfPresent(`${path}.json`)) === wanted) continue;
    const { certificate, key } = await authority.issue(request);
    await writeFile(`${path}.crt`, certificate);
    await writeFile(`${path}.key`, key, { mode: 0o600 });
    await writeFile(`${path}.json`, wanted); // last: it says that the two are whole
  }
  await ensureAccountKey(join(folder, 'accounts'));
}

/** The pair that signs and checks the tokens of service accounts. */
async function ensureAccountKey(path: string): Promise<void> {
  if ((await readIfPresent(`${path}.pub`)) !== undefined) return;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(`${path}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(`${path}.pub`, publicKey.export({ type: 'spki', format: 'pem' })); // last: it says that both are whole
}

/** A kubeconfig as an object, with what it needs inside. */
export async function kubeconfig(folder: string, server: string, user: string): Promise<object> {
  const base64 = async (file: string): Promise<string> => (await readFile(join(folder, file))).toString('base64');
  const cluster = { server, 'certificate-authority-data': await base64('ca.crt') };
  const credentials = {
    'client-certificate-data': await base64(`${user}.crt`),
    'client-key-data': await base64(`${user}.key`),
  };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster }],
    users: [{ name: user, user: credentials }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
  };
}
