import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { type AgentReply, type Verb, type VerbRequest, verbContract, verbSchema } from '../../lib/contract/agent.ts';
import { GodwitError, toGodwitError } from '../../lib/errors.ts';
import { parseJson } from '../../lib/parse.ts';
import { nodeSubject, parseNodeSubject } from '../../lib/subjects.ts';
import type { AgentService } from './agent.ts';
import type { AgentContext } from './context.ts';

/** Publishes what runs on this node; does not fail. */
export type PublishRecord = () => Promise<void>;

/**
 * Subscribes to `node.v1.<node>.*` and answers until the connection closes.
 * A migration that is cleaned up is in the node's record before the answer: who waited for its end sees where the workload is.
 */
export function serveAgent(
  connection: NatsConnection,
  context: AgentContext,
  agent: AgentService,
  publishRecord: PublishRecord,
): void {
  connection.subscribe(nodeSubject(context.config.name, '*'), {
    callback: (error, message) => {
      if (error) context.log.error({ err: error }, 'subscription failed');
      else void answer(message, context, agent, publishRecord);
    },
  });
}

async function answer(
  message: Msg,
  context: AgentContext,
  agent: AgentService,
  publishRecord: PublishRecord,
): Promise<void> {
  const started = context.clock.monotonic();
  const asked: { verb?: Verb; request?: VerbRequest<Verb> } = {};
  let reply: AgentReply;
  try {
    Object.assign(asked, parseRequest(message));
    const result = await agent.ask(asked.verb as Verb, asked.request as VerbRequest<Verb>);
    if (asked.verb === 'clean') await publishRecord();
    reply = { ok: true, at: context.clock.now(), result };
  } catch (thrown) {
    const { code, message: said, next } = toGodwitError(thrown, 'E_EXEC', message.subject);
    reply = { ok: false, at: context.clock.now(), error: { code, message: said, ...(next && { next }) } };
  }
  message.respond(JSON.stringify(reply));
  tell(context, message.subject, asked, reply, context.clock.monotonic() - started);
}

function parseRequest(message: Msg): { verb: Verb; request: VerbRequest<Verb> } {
  const verb = verbSchema.safeParse(parseNodeSubject(message.subject).verb);
  if (!verb.success) throw new GodwitError('E_INPUT', `${message.subject}: no such verb`);
  const schema = verbContract[verb.data].request;
  return { verb: verb.data, request: parseJson<VerbRequest<Verb>>(schema, message.data, message.subject) };
}

function tell(
  { log }: AgentContext,
  subject: string,
  { verb, request }: { verb?: Verb; request?: VerbRequest<Verb> },
  reply: AgentReply,
  elapsedMs: number,
): void {
  const what = { verb: verb ?? subject, migration: request?.migration, durationMs: Math.round(elapsedMs * 10) / 10 };
  if (!reply.ok) log.warn({ ...what, error: reply.error }, 'refused');
  else log[verb === 'status' ? 'debug' : 'info'](what, 'done');
}
