import { stringify } from 'yaml';
import { z } from 'zod';
import { type Decision, decisionSchema } from '../../lib/contract/decision.ts';
import { explain } from '../describe/why.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import { readHistory } from '../history.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { workloads } from '../kinds/workloads.ts';
import { unknownName } from '../suggest.ts';

const shape = {
  workload: z.string(),
  output: choice('format', ['table', 'json', 'yaml']).default('table'),
  config: z.string().optional(),
};

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'why');
  const answer = await withHub(flags.config, io, (hub) => ask(hub, flags.workload, io.clock.now()));
  if (flags.output === 'json') io.out(`${JSON.stringify(answer, null, 2)}\n`);
  else if (flags.output === 'yaml') io.out(stringify(answer));
  else io.out(answer.text);
  return exitCodes.done;
};

async function ask(hub: Hub, name: string, now: number): Promise<ReturnType<typeof explain>> {
  const all = await workloads.list(hub, Number.MAX_SAFE_INTEGER);
  const workload = all.find((one) => one.name === name);
  const decisions: Decision[] = await readHistory(hub, 'DECISIONS', decisionSchema);
  const known = workload !== undefined || decisions.some((decision) => decision.workload === name);
  const names = all.map((one) => one.name);
  if (!known) throw unknownName('E_UNKNOWN_WORKLOAD', 'workload', name, names, 'godwit get workloads');
  return explain(name, workload, decisions, now);
}
