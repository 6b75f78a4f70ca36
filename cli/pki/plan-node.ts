import { resolve } from 'node:path';
import { z } from 'zod';
import { nameSchema, tierSchema } from '../../lib/contract/names.ts';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent } from '../../lib/files.ts';
import { hubDomain, loadHubConfig, type NodeConfig, nodeConfigSchema } from '../../lib/node-config.ts';
import { parseAs } from '../../lib/parse.ts';
import { choice, parseFlags, sizeFlag } from '../flags.ts';
import { pkiDirFlag } from './folder.ts';

const notHub = (name: string): boolean => name !== hubDomain;
const shape = {
  dir: pkiDirFlag,
  // a common name has 64 characters at most (RFC 5280, ub-common-name), the role included
  name: nameSchema.max(50).refine(notHub, '"hub" is taken'),
  site: nameSchema.max(50).refine(notHub, '"hub" is taken'),
  tier: choice('tier', tierSchema.options),
  address: z.ipv4(),
  hub: z.ipv4().optional(),
  leaf: z.boolean().optional(),
  leafAddress: z.ipv4().optional(),
  servers: z.array(z.url({ protocol: /^(tls|nats)$/ })).optional(),
  cores: z.coerce.number().positive().optional(),
  memory: sizeFlag.optional(),
  uplink: sizeFlag.optional(),
  kubernetes: z.boolean().default(false),
  imagePath: z.boolean().default(false),
  monitoring: choice('monitoring', ['node', 'sidecar']).optional(),
  force: z.boolean().default(false),
};
type NodeFlags = z.output<z.ZodObject<typeof shape>> & { hub: string };

/** Flags of `pki node`; the hub's address comes from its folder unless it is given. @throws E_CONFIG */
export async function parseNodeFlags(input: unknown): Promise<NodeFlags> {
  const flags = parseFlags(shape, input, 'pki node');
  if (flags.imagePath && !flags.kubernetes)
    throw new GodwitError('E_CONFIG', 'only pods move as images', { next: 'give --kubernetes as well' });
  if (flags.hub) return { ...flags, hub: flags.hub };
  const path = resolve(flags.dir, 'hub', 'hub.yaml');
  if (await readIfPresent(path)) return { ...flags, hub: (await loadHubConfig(path)).address };
  throw new GodwitError('E_CONFIG', 'the address of the hub is not known', {
    next: 'give --hub IP, or write its folder first: godwit pki hub --address IP',
  });
}

/**
 * What node.yaml says, and the same with all defaults. The first edge node of a site runs the site's leaf, the next ones use it; a
 * cloud node uses the hub's server. @throws E_CONFIG
 */
export function planNode(flags: NodeFlags, others: readonly NodeConfig[]): { file: object; config: NodeConfig } {
  const siteLeaf = others.find((node) => node.site === flags.site && node.nats.leaf);
  if (flags.leaf && siteLeaf)
    throw new GodwitError('E_CONFIG', `site ${flags.site} has its leaf on ${siteLeaf.name}`, {
      next: 'leave out --leaf',
    });
  const leaf = !flags.servers && (flags.leaf ?? (flags.tier === 'edge' && !siteLeaf));
  const server = leaf ? (flags.leafAddress ?? '127.0.0.1') : serverBeside(siteLeaf, flags.hub);
  const file = {
    name: flags.name,
    site: flags.site,
    tier: flags.tier,
    address: flags.address,
    nats: {
      servers: flags.servers ?? [`tls://${server}:4222`],
      ...(leaf && { leaf: leafOf(flags) }),
    },
    ...((flags.cores ?? flags.memory) && {
      capacity: { ...(flags.cores && { cores: flags.cores }), ...(flags.memory && { memoryBytes: flags.memory }) },
    }),
    ...inCluster(flags),
    ...(flags.uplink && { uplinkBytesPerSecond: flags.uplink }),
  };
  return { file, config: parseAs(nodeConfigSchema, file, 'node.yaml', 'E_CONFIG') };
}

/** Where the agent's pod keeps its own token, fresh, for the agent on the node. */
const kubeletToken = '/run/godwit/kubelet.token';

const inCluster = ({ kubernetes, imagePath, monitoring }: NodeFlags): object => ({
  ...(kubernetes && { engine: 'kubernetes', runcRoot: '/run/containerd/runc/k8s.io' }),
  ...(imagePath && { imagePath: { token: kubeletToken } }),
  ...(monitoring && { monitor: { mode: monitoring } }),
});

function leafOf({ hub, leafAddress }: NodeFlags): object {
  return { hub: `tls://${hub}:7422`, ...(leafAddress && { address: leafAddress }) };
}

/** Address of the server of a node that runs none. */
function serverBeside(siteLeaf: NodeConfig | undefined, hub: string): string {
  return siteLeaf?.nats.leaf?.address ?? siteLeaf?.address ?? hub;
}
