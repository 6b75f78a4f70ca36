import { parsePolicy } from '../../../lib/contract/policy.ts';
import { policyKey } from '../../../sidecar/policy/judge.ts';
import { exitCodes } from '../../exit.ts';
import { choice, parseFlags } from '../../flags.ts';
import type { Io, Verb } from '../../io.ts';
import { clusterFlags, withCluster } from '../cluster.ts';
import { notesOf, type PolicyNotes, readPolicyMap } from '../policy.ts';

const shape = { output: choice('format', ['yaml', 'json']).default('yaml'), ...clusterFlags };

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'policy show');
  const configMap = await withCluster(flags, io, readPolicyMap);
  const text = configMap?.data?.[policyKey];
  const notes = configMap && notesOf(configMap);
  if (notes) tellNotes(notes, io);
  const parsed = text === undefined ? undefined : parsePolicy(text);
  if (flags.output === 'json')
    io.out(`${JSON.stringify({ policy: parsed?.ok ? parsed.policy : null, status: notes ?? null }, null, 2)}\n`);
  else if (text !== undefined) io.out(text);
  else io.err('There is no policy in the cluster: what was in force stays, or the built-in defaults are.\n');
  return exitCodes.done;
};

function tellNotes({ accepted, inForce, faults }: PolicyNotes, io: Io): void {
  if (inForce !== undefined) io.err(`In force: ${inForce}\n`);
  if (accepted === undefined) io.err('No controller has judged this text yet.\n');
  if (accepted === false) io.err(`This text is rejected:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
}
