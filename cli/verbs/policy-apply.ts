import { z } from 'zod';
import { openPolicyBucket, type PolicyBucket } from '../../lib/bus/policy-bucket.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PolicyStatus } from '../../lib/contract/policy.ts';
import { GodwitError } from '../../lib/errors.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import { withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { faultLine, readPolicyFile } from '../policy-file.ts';

const shape = { file: z.string(), dryRun: z.boolean().default(false), config: z.string().optional() };
const judgedWithinMs = 10_000;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'policy apply');
  const { text, policy } = await readPolicyFile(flags.file);
  await withHub(flags.config, io, async (hub) => {
    const bucket = await openPolicyBucket(hub.connection);
    refuseOverOrigin(flags.file, await bucket.readOrigin());
    if (flags.dryRun) {
      const status = await bucket.readStatus();
      const same = status?.inForce.version === policy.version;
      io.err(
        `${same ? 'It is in force already' : `It would take the place of ${nameOf(status)}`}. Nothing was done.\n`,
      );
      return;
    }
    await bucket.write('current', text);
    refuseRejected(flags.file, await judged(bucket, policy.version, io.clock));
    io.err('In force from the next decision on.\n');
  });
  io.out(`policy/${policy.name} ${policy.version}\n`);
  return exitCodes.done;
};

/** What is written beside the origin would be overwritten from there. */
function refuseOverOrigin(file: string, origin: string | undefined): void {
  if (origin === undefined) return;
  throw new GodwitError('E_REFUSED', `the policy is that of ${origin} in the cluster; nothing was changed`, {
    next: `kubectl godwit policy apply ${file}`,
  });
}

/** @throws E_TIMEOUT when no decider says anything of it */
async function judged(bucket: PolicyBucket, version: string, clock: Clock): Promise<PolicyStatus> {
  const end = clock.monotonic() + judgedWithinMs;
  while (clock.monotonic() < end) {
    const status = await bucket.readStatus();
    if (status?.version === version) return status;
    await clock.sleep(100);
  }
  throw new GodwitError('E_TIMEOUT', 'the policy is stored, but no decider has taken it up', {
    next: 'does `godwit hub` run? It will be taken up when a decider leads: godwit policy show',
  });
}

function refuseRejected(file: string, { state, inForce, faults }: PolicyStatus): void {
  if (state === 'in-force') return;
  const lines = faults.map((fault) => `\n  ${faultLine(file, fault)}`).join('');
  throw new GodwitError('E_CONFIG', `the decider rejects it; ${inForce.name} stays in force${lines}`);
}

const nameOf = (status: PolicyStatus | undefined): string =>
  status ? `${status.inForce.name}, version ${status.inForce.version}` : 'the built-in defaults';
