import { z } from 'zod';
import { apply } from '../../../k8s/apply.ts';
import { resources } from '../../../k8s/resource.ts';
import { GodwitError } from '../../../lib/errors.ts';
import { policyKey } from '../../../sidecar/policy/judge.ts';
import { exitCodes } from '../../exit.ts';
import { parseFlags, timeFlag } from '../../flags.ts';
import type { Io, Verb } from '../../io.ts';
import { readPolicyFile } from '../../policy-file.ts';
import { type Cluster, clusterFlags, clusterProgram, withCluster } from '../cluster.ts';
import { notesOf, policyKeyOfObject, readPolicyMap } from '../policy.ts';

const shape = {
  file: z.string(),
  dryRun: z.boolean().default(false),
  timeout: timeFlag.prefault('10s'),
  ...clusterFlags,
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'policy apply');
  const { text, policy } = await readPolicyFile(flags.file);
  await withCluster(flags, io, async (cluster) => {
    if (flags.dryRun) return tellDryRun(cluster, policy.version, io);
    const configMap = { metadata: policyKeyOfObject, data: { [policyKey]: text } };
    await apply(cluster.client, resources.configMaps, configMap);
    await accepted(cluster, policy.version, flags.timeout, io);
    io.err('In force from the next decision on.\n');
  });
  io.out(`policy/${policy.name} ${policy.version}\n`);
  return exitCodes.done;
};

async function tellDryRun(cluster: Cluster, version: string, io: Io): Promise<void> {
  const configMap = await readPolicyMap(cluster);
  const { inForce } = configMap ? notesOf(configMap) : {};
  const same = inForce?.endsWith(`version ${version}`);
  io.err(`${same ? 'It is in force already' : `It would take the place of ${inForce ?? 'the built-in defaults'}`}. `);
  io.err('Nothing was done.\n');
}

/** @throws E_TIMEOUT when no controller says that it is in force; E_CONFIG when another version of them rejects it */
async function accepted(cluster: Cluster, version: string, timeoutMs: number, io: Io): Promise<void> {
  const end = io.clock.monotonic() + timeoutMs;
  for (;;) {
    const configMap = await readPolicyMap(cluster);
    const notes = configMap && notesOf(configMap);
    if (notes?.accepted && notes.inForce?.endsWith(`version ${version}`)) return;
    if (io.clock.monotonic() < end) {
      await io.clock.sleep(200, { signal: io.signal });
      continue;
    }
    if (notes?.accepted === false)
      throw new GodwitError('E_CONFIG', `the controllers reject it\n  ${notes.faults.join('\n  ')}`);
    throw new GodwitError('E_TIMEOUT', 'the policy is stored, but no controller has put it into force', {
      next: `${clusterProgram} doctor tells whether controllers run; they will put it into force`,
    });
  }
}
