import { stringify } from 'yaml';
import { z } from 'zod';
import { request } from '../../lib/bus/request.ts';
import { agentReplySchema, statusResultSchema } from '../../lib/contract/agent.ts';
import { nameSchema } from '../../lib/contract/names.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import { nodeSubject } from '../../lib/subjects.ts';
import { fields, section } from '../describe/text.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { choice, parseFlags, timeFlag } from '../flags.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { findMigration } from '../migration.ts';
import { outputFlags } from '../output.ts';
import { carryOut } from '../resolve/carry-out.ts';
import { type AgentView, explain, type Verdict } from '../resolve/explain.ts';
import { type Plan, planFor, stepsOrRefuse, type Wish } from '../resolve/plan.ts';
import { unknownName } from '../suggest.ts';

const shape = {
  migration: z.string(),
  keep: choice('side to keep', ['source', 'target']).optional(),
  nodeIsDead: nameSchema.optional(),
  yes: z.boolean().default(false),
  timeout: timeFlag.prefault('1m'),
  config: z.string().optional(),
  output: outputFlags.output,
};
type Flags = z.output<z.ZodObject<typeof shape>>;
const answerMs = 5000;

/** What stands on both sides, what it means, and what keeping either takes. */
interface Found {
  saga: SagaState;
  source: AgentView;
  target: AgentView;
  verdict: Verdict;
  options: Record<'source' | 'target', Plan>;
}

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'resolve');
  return withHub(flags.config, io, async (hub) => {
    const { value: saga } = await findMigration(hub, flags.migration);
    const found = await look(hub, saga, deadIn(saga, flags.nodeIsDead));
    if (!flags.keep) return report(found, flags, io);
    return decide(hub, found, { keep: flags.keep, dead: deadIn(saga, flags.nodeIsDead) }, flags, io);
  });
};

async function look(hub: Hub, saga: SagaState, dead: Wish['dead']): Promise<Found> {
  const { id } = saga.command;
  const [source, target] = await Promise.all([ask(hub, saga.command.source, id), ask(hub, saga.command.target, id)]);
  const seen = { saga, source, target };
  const options = { source: planFor(seen, { keep: 'source', dead }), target: planFor(seen, { keep: 'target', dead }) };
  return { ...seen, verdict: explain(saga, source, target), options };
}

/** @throws E_UNKNOWN_NODE when it has no part in the migration */
function deadIn({ command }: SagaState, node: string | undefined): Wish['dead'] {
  if (node === undefined) return undefined;
  if (node === command.source) return 'source';
  if (node === command.target) return 'target';
  throw unknownName('E_UNKNOWN_NODE', 'node', node, [command.source, command.target], `godwit resolve ${command.id}`);
}

function report(found: Found, flags: Flags, io: Io): ExitCode {
  const { verdict } = found;
  io.out(structured(factsOf(found), flags) ?? textOf(found));
  if (verdict.next) io.err(`next: ${verdict.next}\n`);
  return verdict.settled ? exitCodes.done : exitCodes.failed;
}

/** Shows the plan, has it confirmed, and carries it out. @throws E_RECORD, E_CONFIG without consent, E_TIMEOUT */
async function decide(hub: Hub, found: Found, wish: Wish, flags: Flags, io: Io): Promise<ExitCode> {
  const { saga, source } = found;
  const steps = stepsOrRefuse(found.options[wish.keep]);
  io.err(`${steps.map((step, index) => `${index + 1}. ${step}\n`).join('')}`);
  if (!flags.yes && !(await io.confirm?.('Do this?')))
    throw new GodwitError('E_CONFIG', 'nothing was done: it was not agreed to', {
      next: 'answer yes at a terminal, or add --yes',
    });
  const record = 'record' in source ? source.record : undefined;
  const end = await carryOut(hub, io, saga.command.id, { ...wish, record }, flags.timeout);
  const kept = end.result === (wish.keep === 'source' ? 'rolled-back' : 'succeeded');
  const { command, result, reason } = end;
  const done = { migration: command.id, result, kept: kept ? wish.keep : undefined, reason };
  io.out(structured(done, flags) ?? `migration/${command.id}\n`);
  io.err(
    kept ? `${command.workload} runs on ${command[wish.keep]}\n` : `it came otherwise: ${result}: ${reason ?? ''}\n`,
  );
  return kept ? exitCodes.done : exitCodes.failed;
}

async function ask(hub: Hub, node: string, migration: string): Promise<AgentView> {
  const subject = nodeSubject(node, 'status');
  try {
    const reply = await request(hub.connection, subject, { migration }, agentReplySchema, { timeoutMs: answerMs });
    if (!reply.ok) return { fault: reply.error.message };
    return parseAs(statusResultSchema, reply.result, `answer of ${node}`);
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

const factsOf = ({ saga, source, target, verdict, options }: Found): object => ({
  migration: saga.command.id,
  workload: saga.command.workload,
  source: { node: saga.command.source, ...source },
  target: { node: saga.command.target, ...target },
  ...verdict,
  options,
});

function textOf({ saga: { command }, source, target, verdict, options }: Found): string {
  const views = {
    Migration: command.id,
    Workload: command.workload,
    [`Source ${command.source}`]: viewText(source),
    [`Target ${command.target}`]: viewText(target),
  };
  const plans = { '--keep source': planText(options.source), '--keep target': planText(options.target) };
  return `${fields(views)}\n${verdict.meaning}\n${verdict.settled ? '' : section('\nWhat you can do', fields(plans, '  '))}`;
}

const planText = (plan: Plan): string =>
  'steps' in plan ? plan.steps.join('; ') : `not now: ${plan.refusal}${plan.next ? ` (${plan.next})` : ''}`;

function viewText(view: AgentView): string {
  if ('fault' in view) return `does not answer (${view.fault})`;
  const lost = view.lost ? ', lost' : '';
  return `copy ${view.copy}${view.record ? `, record ${view.record}` : ''}${view.attested ? ', overruled' : ''}${lost}`;
}

function structured(value: object, { output }: Flags): string | undefined {
  if (output === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return output === 'yaml' ? stringify(value) : undefined;
}
