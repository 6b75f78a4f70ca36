import type { NodeConfig } from '../../lib/node-config.ts';

/** Files of a folder of `godwit pki` that one part of Godwit needs in a cluster. */
export interface SecretPlan {
  namespace: string;
  name: string;
  /** Folder below the authority's: `hub`, or a node's name. */
  folder: string;
  files: string[];
}

export const systemNamespace = 'godwit-system';
/** Of what works on the nodes themselves; Pod Security lets nothing else be privileged. */
export const nodeNamespace = 'godwit-node';

const pairs = (...names: string[]): string[] => names.flatMap((name) => [`${name}.crt`, `${name}.key`]);

/** A Secret for each part, with no key that another part uses. */
export function planSecrets(nodes: readonly NodeConfig[]): SecretPlan[] {
  const system = (part: string, folder: string, files: string[]): SecretPlan => ({
    namespace: systemNamespace,
    name: `godwit-${part}`,
    folder,
    files: ['ca.crt', ...files],
  });
  return [
    system('hub', 'hub', ['hub.yaml', 'nodes.yaml', ...pairs('nats', 'hub')]),
    system('decider', 'hub', ['hub.yaml', ...pairs('decider')]),
    system('controller', 'hub', pairs('controller')),
    ...nodes
      .filter(({ nats }) => nats.leaf)
      .map(({ name, site }) => system(`leaf-${site}`, name, ['node.yaml', 'nodes.yaml', ...pairs('nats')])),
    ...nodes.map(({ name }) => ({
      namespace: nodeNamespace,
      name: `godwit-node-${name}`,
      folder: name,
      // the monitor hands the sidecar's out to pods of its node
      files: ['ca.crt', 'node.yaml', ...pairs('monitor', 'sidecar', 'migrator', 'pages', 'data')],
    })),
  ];
}

/** `contents`: bytes by file name. */
export function secretObject({ namespace, name }: SecretPlan, contents: Readonly<Record<string, Buffer>>): object {
  const data = Object.fromEntries(Object.entries(contents).map(([file, bytes]) => [file, bytes.toString('base64')]));
  const labels = { 'app.kubernetes.io/part-of': 'godwit' };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, type: 'Opaque', data };
}
