import { stringify } from 'yaml';
import { z } from 'zod';
import { request } from '../../lib/bus/request.ts';
import { type Decision, type MigrateRequest, migrateReplySchema } from '../../lib/contract/decision.ts';
import { nameSchema, requestedStrategySchema } from '../../lib/contract/names.ts';
import { type ErrorCode, errorCodes, GodwitError, hasCode } from '../../lib/errors.ts';
import { migrateRequestSubject } from '../../lib/subjects.ts';
import { decisionText } from '../describe/decision.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { choice, parseFlags, timeFlag } from '../flags.ts';
import { exitCodeOfResult, followMigration } from '../follow.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Io, Verb } from '../io.ts';
import { nodes } from '../kinds/nodes.ts';
import { outputFlags } from '../output.ts';
import { unknownName } from '../suggest.ts';

const shape = {
  workload: nameSchema,
  to: nameSchema.optional(),
  strategy: choice('strategy', requestedStrategySchema.options).default('auto'),
  dryRun: z.boolean().default(false),
  wait: z.boolean().default(false),
  timeout: timeFlag.prefault('5m'),
  config: z.string().optional(),
  output: outputFlags.output,
};
type Flags = z.output<z.ZodObject<typeof shape>>;

const answerMs = 5000;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'migrate');
  return withHub(flags.config, io, (hub) => migrate(hub, io, flags));
};

async function migrate(hub: Hub, io: Io, flags: Flags): Promise<ExitCode> {
  const decision = await decide(hub, {
    workload: flags.workload,
    ...(flags.to && { target: flags.to }),
    strategy: flags.strategy,
    dryRun: flags.dryRun,
  }).catch((error: unknown) => suggest(error, hub, flags));
  if (flags.dryRun) {
    io.out(structured(decision, flags) ?? decisionText(decision));
    return decision.verdict === 'migrate' ? exitCodes.done : exitCodes.refused;
  }
  io.err(`${decision.sentence}\n`);
  if (!decision.migration) return exitCodes.refused;
  if (!flags.wait) {
    io.out(structured(decision, flags) ?? `migration/${decision.migration}\n`);
    return exitCodes.done;
  }
  const end = await followMigration(hub, io, decision.migration, flags.timeout);
  io.out(structured(end, flags) ?? `migration/${decision.migration}\n`);
  return exitCodeOfResult(end);
}

/** @throws what the decider answers; E_BUS when none does */
async function decide(hub: Hub, message: MigrateRequest): Promise<Decision> {
  const reply = await request(hub.connection, migrateRequestSubject, message, migrateReplySchema, {
    timeoutMs: answerMs,
  }).catch((error: unknown) => {
    if (!hasCode(error, 'E_BUS') && !hasCode(error, 'E_TIMEOUT')) throw error;
    throw new GodwitError('E_BUS', 'no decider answers; nothing was asked for', {
      cause: error,
      next: 'does `godwit hub` run? After a restart a decider leads again within some seconds: try again',
    });
  });
  if (reply.ok) return reply.decision;
  const { code, message: sentence, next } = reply.error;
  const known: ErrorCode = code in errorCodes ? (code as ErrorCode) : 'E_REFUSED';
  throw new GodwitError(known, sentence, next === undefined ? {} : { next });
}

/** The decider says that a name is unknown; here it is said which ones are known. */
async function suggest(error: unknown, hub: Hub, { workload, to = '' }: Flags): Promise<never> {
  const known = await nodes.list(hub, Number.MAX_SAFE_INTEGER);
  const workloads = known.flatMap((node) => node.workloads.map(({ name }) => name));
  if (hasCode(error, 'E_UNKNOWN_WORKLOAD'))
    throw unknownName(error.code, 'workload', workload, workloads, 'godwit get workloads');
  if (hasCode(error, 'E_UNKNOWN_NODE'))
    throw unknownName(
      error.code,
      'node',
      to,
      known.map(({ name }) => name),
      'godwit get nodes',
    );
  throw error;
}

function structured(value: object, { output }: Flags): string | undefined {
  if (output === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return output === 'yaml' ? stringify(value) : undefined;
}
