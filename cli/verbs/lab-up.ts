import { z } from 'zod';
import { type Fleet, fleetUp } from '../../lab/fleet.ts';
import type { OpenAuthority } from '../../lab/kubernetes/certificates.ts';
import { type Cluster, clusterSpec, clusterUp } from '../../lab/kubernetes/cluster.ts';
import { clusterFleetUp } from '../../lab/kubernetes/fleet.ts';
import { labUp } from '../../lab/lab.ts';
import { type LabSpec, parseLabSpec } from '../../lab/spec.ts';
import { readYaml } from '../../lib/node-config.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Io, Verb } from '../io.ts';
import { labFlag, progress } from '../lab/flags.ts';
import { openAuthority } from '../pki/authority.ts';

const gibibyte = 2 ** 30;
const smallLab = [
  { name: 'hub', kind: 'hub', site: 'central', cores: 1, memoryBytes: gibibyte },
  { name: 'edge-1', kind: 'edge', site: 'plant', cores: 1, memoryBytes: gibibyte },
  { name: 'cloud-1', kind: 'cloud', site: 'central', cores: 2, memoryBytes: 2 * gibibyte },
];
/** The control plane needs more of the hub. */
const smallCluster = smallLab.map((node) =>
  node.kind === 'hub' ? { ...node, cores: 2, memoryBytes: 2 * gibibyte } : node,
);

const shape = {
  lab: labFlag,
  file: z.string().optional(),
  bare: z.boolean().default(false),
  kubernetes: z.boolean().default(false),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'lab up');
  const nodes = flags.kubernetes ? smallCluster : smallLab;
  const spec = parseLabSpec(flags.file ? await readYaml(flags.file) : { name: flags.lab, nodes });
  const { cluster, fleet } = await raise(spec, flags, io);
  io.out(`lab/${spec.name}\n`);
  if (cluster) io.err(`next: export KUBECONFIG=${cluster.kubeconfig}; ${cluster.kubectl} get nodes\n`);
  if (fleet) io.err(`next: export GODWIT_CONFIG=${fleet.operator}; godwit get nodes\n`);
  return exitCodes.done;
};

interface Raised {
  cluster?: Cluster;
  fleet?: Fleet;
}

async function raise(
  spec: LabSpec,
  { kubernetes, bare }: { kubernetes: boolean; bare: boolean },
  io: Io,
): Promise<Raised> {
  const given = progress(io);
  const authority: OpenAuthority = (dir) => openAuthority(dir, io.clock);
  if (kubernetes)
    return bare
      ? { cluster: await clusterUp(await clusterSpec(spec), authority, given) }
      : clusterFleetUp(spec, authority, given);
  if (!bare) return { fleet: await fleetUp(spec, given) };
  await labUp(spec, given);
  return {};
}
