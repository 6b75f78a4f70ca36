import { z } from 'zod';
import { fleetUp } from '../../lab/fleet.ts';
import { clusterSpec, clusterUp } from '../../lab/kubernetes/cluster.ts';
import { podEngine } from '../../lab/kubernetes/worker.ts';
import { labUp } from '../../lab/lab.ts';
import { parseLabSpec } from '../../lab/spec.ts';
import { readYaml } from '../../lib/node-config.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
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
  const asked = parseLabSpec(flags.file ? await readYaml(flags.file) : { name: flags.lab, nodes });
  const spec = flags.kubernetes ? await clusterSpec(asked) : asked;
  const fleet = flags.bare
    ? undefined
    : await fleetUp(flags.kubernetes ? { ...spec, nodeConfig: podEngine } : spec, progress(io));
  if (flags.kubernetes) {
    const cluster = await clusterUp(spec, (dir) => openAuthority(dir, io.clock), progress(io));
    io.err(`next: export KUBECONFIG=${cluster.kubeconfig}; ${cluster.kubectl} get nodes\n`);
  } else if (flags.bare) await labUp(spec, progress(io));
  io.out(`lab/${spec.name}\n`);
  if (fleet) io.err(`next: export GODWIT_CONFIG=${fleet.operator}; godwit get nodes\n`);
  return exitCodes.done;
};
