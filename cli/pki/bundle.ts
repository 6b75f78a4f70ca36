import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { writeDurably } from '../../lib/files.ts';
import type { HubConfig, NodeConfig } from '../../lib/node-config.ts';
import type { Authority, CertificateRequest } from '../../lib/pki/authority.ts';

/** A folder ready to be copied to /etc/godwit of one machine. */
export interface Bundle {
  /** `hub`, or the node's name. */
  name: string;
  /** By file name without its ending. */
  certificates: Record<string, CertificateRequest>;
  /** YAML files by their names. */
  files: Record<string, unknown>;
}

/** Name by which pods of a cluster reach the hub: k8s/manifests/base/hub.yaml. */
const hubService = 'godwit-hub.godwit-system.svc';

export function hubBundle(config: Pick<HubConfig, 'address' | 'nats'>): Bundle {
  return {
    name: 'hub',
    certificates: {
      nats: {
        name: 'nats.hub',
        serves: { addresses: [config.address, '127.0.0.1'], names: ['localhost', 'hub', hubService] },
      },
      decider: { name: 'decider' },
      operator: { name: 'operator' },
      controller: { name: 'controller' },
      hub: { name: 'hub' },
    },
    files: {
      'hub.yaml': { address: config.address },
      'operator.yaml': { servers: [`tls://${config.address}:${config.nats.listen.port}`] },
    },
  };
}

export function nodeBundle(config: NodeConfig, file: unknown): Bundle {
  const names = ['localhost', config.name];
  const serves = { addresses: [config.address, '127.0.0.1'], names };
  const { leaf } = config.nats;
  const leafServes = { addresses: [...serves.addresses, ...(leaf?.address ? [leaf.address] : [])], names };
  return {
    name: config.name,
    certificates: {
      monitor: { name: `monitor.${config.name}` },
      sidecar: { name: `sidecar.${config.name}` },
      migrator: { name: `migrator.${config.name}` },
      pages: { name: `pages.${config.name}`, serves },
      data: { name: `data.${config.name}`, serves },
      ...(leaf && { nats: { name: `leaf.${config.site}`, serves: leafServes } }),
    },
    files: { 'node.yaml': file },
  };
}

/** Writes the whole folder below `dir`; keys are for their owner alone. */
export async function writeBundle(dir: string, bundle: Bundle, authority: Authority): Promise<string> {
  const folder = resolve(dir, bundle.name);
  await writeCertificates(dir, bundle, authority);
  for (const [name, content] of Object.entries(bundle.files))
    await writeDurably(resolve(folder, name), stringify(content), 0o644);
  return folder;
}

/** Writes new keys and certificates and leaves the configuration as it is. */
export async function writeCertificates(dir: string, bundle: Bundle, authority: Authority): Promise<void> {
  const folder = resolve(dir, bundle.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(resolve(folder, 'ca.crt'), authority.certificate, 0o644);
  for (const [file, request] of Object.entries(bundle.certificates)) {
    const issued = await authority.issue(request);
    await writeDurably(resolve(folder, `${file}.key`), issued.key);
    await writeDurably(resolve(folder, `${file}.crt`), issued.certificate, 0o644);
  }
}
