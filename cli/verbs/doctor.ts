import { z } from 'zod';
import { systemExec } from '../../lib/exec.ts';
import { loadHubConfig, loadNodeConfig } from '../../lib/node-config.ts';
import { findConfig } from '../config-file.ts';
import { type Check, findings, type Machine, tellNext } from '../doctor/check.ts';
import { foreignCriuConfig } from '../doctor/criu-config.ts';
import { clockInStep, pipeLimits } from '../doctor/kernel.ts';
import { asRoot, imagePath, natsServer, nft, runcAndCriu, umoci } from '../doctor/programs.ts';
import { certificates, ports, wayToHub } from '../doctor/services.ts';
import { workloadObstacles } from '../doctor/workloads.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import type { Io, Verb } from '../io.ts';
import { outputFlags, print } from '../output.ts';

const checks: readonly Check[] = [
  asRoot,
  runcAndCriu,
  nft,
  imagePath,
  umoci,
  foreignCriuConfig(),
  pipeLimits,
  clockInStep,
  natsServer,
  certificates,
  ports,
  wayToHub,
  workloadObstacles,
];

export const run: Verb = async (input, io) => {
  const flags = parseFlags({ config: z.string().optional(), ...outputFlags }, input, 'doctor');
  const machine = await lookAround(flags.config, io);
  if (!machine.node && !machine.hub)
    io.err('This machine has no node.yaml and no hub.yaml yet: only its programs are checked.\n');
  const found = (await Promise.all(checks.map((check) => check(machine)))).flat();
  print(io, findings, found, flags);
  tellNext(io, found);
  return found.some(({ state }) => state === 'fault') ? exitCodes.failed : exitCodes.done;
};

async function lookAround(config: string | undefined, io: Io): Promise<Machine> {
  const locate = (name: 'node.yaml' | 'hub.yaml') => findConfig(name, config, io).catch(() => undefined);
  const [nodeFile, hubFile] = await Promise.all([locate('node.yaml'), locate('hub.yaml')]);
  const { clock, env } = io;
  return {
    ...{ exec: systemExec, clock, env },
    ...(nodeFile?.endsWith('node.yaml') && { node: await loadNodeConfig(nodeFile) }),
    ...(hubFile?.endsWith('hub.yaml') && { hub: await loadHubConfig(hubFile) }),
  };
}
