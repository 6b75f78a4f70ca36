import { z } from 'zod';
import { fleetUp } from '../../lab/fleet.ts';
import { labUp } from '../../lab/lab.ts';
import { parseLabSpec } from '../../lab/spec.ts';
import { readYaml } from '../../lib/node-config.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { labFlag, progress } from '../lab/flags.ts';

const gibibyte = 2 ** 30;
const smallLab = [
  { name: 'hub', kind: 'hub', site: 'central', cores: 1, memoryBytes: gibibyte },
  { name: 'edge-1', kind: 'edge', site: 'plant', cores: 1, memoryBytes: gibibyte },
  { name: 'cloud-1', kind: 'cloud', site: 'central', cores: 2, memoryBytes: 2 * gibibyte },
];

const shape = { lab: labFlag, file: z.string().optional(), bare: z.boolean().default(false) };

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'lab up');
  const spec = parseLabSpec(flags.file ? await readYaml(flags.file) : { name: flags.lab, nodes: smallLab });
  if (flags.bare) {
    await labUp(spec, progress(io));
    io.out(`lab/${spec.name}\n`);
    return exitCodes.done;
  }
  const { operator } = await fleetUp(spec, progress(io));
  io.out(`lab/${spec.name}\n`);
  io.err(`next: export GODWIT_CONFIG=${operator}; godwit get nodes\n`);
  return exitCodes.done;
};
