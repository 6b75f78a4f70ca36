import { z } from 'zod';
import { openPolicyBucket } from '../../lib/bus/policy-bucket.ts';
import { type PolicyStatus, parsePolicy } from '../../lib/contract/policy.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import { withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { faultLine } from '../policy-file.ts';

const shape = {
  config: z.string().optional(),
  output: choice('format', ['yaml', 'json']).default('yaml'),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'policy show');
  const { inForce, status } = await withHub(flags.config, io, async (hub) => {
    const bucket = await openPolicyBucket(hub.connection);
    return { inForce: await bucket.read('last-good'), status: await bucket.readStatus() };
  });
  if (status) tellStatus(status, io);
  const parsed = inForce && parsePolicy(inForce.text);
  if (flags.output === 'json')
    io.out(`${JSON.stringify({ policy: parsed?.ok ? parsed.policy : null, status: status ?? null }, null, 2)}\n`);
  else if (inForce) io.out(inForce.text);
  else io.err('No policy was applied: the built-in defaults are in force.\n');
  return exitCodes.done;
};

function tellStatus({ state, version, inForce, faults }: PolicyStatus, io: Io): void {
  io.err(`In force: ${inForce.name}, version ${inForce.version}\n`);
  if (state === 'in-force') return;
  io.err(`Rejected: version ${version}\n${faults.map((fault) => `  ${faultLine('policy', fault)}\n`).join('')}`);
}
