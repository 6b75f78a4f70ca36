import type { NatsConnection } from '@nats-io/transport-node';
import type { z } from 'zod';
import { request } from '../../lib/bus/request.ts';
import type { Clock } from '../../lib/clock.ts';
import { agentReplySchema, statusRequestSchema, verbContract } from '../../lib/contract/agent.ts';
import type { SagaState } from '../../lib/contract/saga.ts';
import { hasCode, messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import { nodeSubject } from '../../lib/subjects.ts';
import type { Ask, Role, SagaEvent, VerbReply } from '../saga/types.ts';
import type { NodeClocks } from './clocks.ts';

export interface AskOptions {
  connection: NatsConnection;
  clock: Clock;
  clocks: NodeClocks;
}

/** Asks an agent and turns whatever comes back, or does not, into an event of the saga. Never throws. */
export async function askAgent(state: SagaState, ask: Ask, options: AskOptions): Promise<SagaEvent> {
  const { clock, clocks } = options;
  const { step, role, body } = ask;
  const subject = nodeSubject(state.command[role], body.verb);
  const sentAt = clock.now();
  const started = clock.monotonic();
  try {
    const message = messageFor(state, ask, clocks);
    const reply = await request(options.connection, subject, message, agentReplySchema, { timeoutMs: ask.timeoutMs });
    clocks.note(role, { sentAt, roundTripMs: clock.monotonic() - started, nodeAt: reply.at });
    if (reply.ok) {
      const schema: z.ZodType<unknown> = verbContract[body.verb].result;
      const parsed = { verb: body.verb, result: parseAs(schema, reply.result, `answer on ${subject}`) } as VerbReply;
      return { kind: 'answered', at: clock.now(), step, reply: parsed, clocks: clocks.snapshot() };
    }
    const { code, message: said } = reply.error;
    // An agent that ran out of time can not vouch that nothing happened.
    if (code === 'E_TIMEOUT') return { kind: 'unanswered', at: clock.now(), step, message: said };
    return { kind: 'failed', at: clock.now(), step, code, message: said };
  } catch (error) {
    return { kind: 'unanswered', at: clock.now(), step, message: silence(error, ask.timeoutMs) };
  }
}

/** Times of the driver's clock are brought to the node's: their clocks need not agree. */
function messageFor(state: SagaState, ask: Ask, clocks: NodeClocks): unknown {
  const { role, body } = ask;
  if (body.verb === 'status') return body.fields;
  const { id, epoch } = state.command;
  const header = { migration: id, epoch, term: state.term, deadlineAt: clocks.toNode(role, ask.deadlineAt) };
  if (body.verb !== 'freeze') return { ...body.fields, ...header };
  return { ...body.fields, abortAt: clocks.toNode(role, body.fields.abortAt), ...header };
}

function silence(error: unknown, timeoutMs: number): string {
  if (hasCode(error, 'E_TIMEOUT')) return `no answer within ${timeoutMs} ms`;
  return hasCode(error, 'E_BUS') ? 'the node can not be reached' : messageOf(error);
}

const probes = 3;
const probeTimeoutMs = 300;

/** Measures the offset of both nodes' clocks before the first step; a silent node is measured by its later answers. */
export async function probeClocks(state: SagaState, options: AskOptions): Promise<void> {
  await Promise.all([probe('source', state, options), probe('target', state, options)]);
}

async function probe(role: Role, state: SagaState, { connection, clock, clocks }: AskOptions): Promise<void> {
  const subject = nodeSubject(state.command[role], 'status');
  const message = statusRequestSchema.parse({ migration: state.command.id });
  for (let count = 0; count < probes; count++) {
    const sentAt = clock.now();
    const started = clock.monotonic();
    try {
      const reply = await request(connection, subject, message, agentReplySchema, { timeoutMs: probeTimeoutMs });
      clocks.note(role, { sentAt, roundTripMs: clock.monotonic() - started, nodeAt: reply.at });
    } catch {
      return;
    }
  }
}
