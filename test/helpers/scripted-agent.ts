import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { AgentReply, Verb } from '../../lib/contract/agent.ts';
import { verbSchema } from '../../lib/contract/agent.ts';
import { nodeSubject, parseNodeSubject } from '../../lib/subjects.ts';
import type { ModelAgent, ModelRequest } from '../../migrator/saga/model/agents.ts';

/**
 * What goes wrong with one request: `lost`: it never arrives; `mute`: it is done, the answer is lost; a reply: said instead of
 * doing it; a promise: it arrives when that resolves, to nothing or to a reply.
 */
export type Fault = 'lost' | 'mute' | AgentReply | Promise<AgentReply | undefined> | undefined;

export interface Asked {
  verb: Verb;
  request: ModelRequest & { deadlineAt?: number; epoch?: number };
}

export interface ScriptedAgent {
  /** Every request that arrived, without `status`. */
  asked: Asked[];
  /** Called for each request; `count` is how often this verb has come, from 1. */
  fault: (verb: Verb, count: number) => Fault;
  close(): void;
}

/** Answers the verbs of `node` over real request/reply with the agents' model; the clock of the node may be off by `skewMs`. */
export function serveScriptedAgent(
  connection: NatsConnection,
  node: string,
  model: ModelAgent,
  skewMs = 0,
): ScriptedAgent {
  const counts = new Map<string, number>();
  const now = (): number => Date.now() + skewMs;
  const subscription: Subscription = connection.subscribe(nodeSubject(node, '*'));
  const agent: ScriptedAgent = { asked: [], fault: () => undefined, close: () => subscription.unsubscribe() };
  const handle = async (message: Msg): Promise<void> => {
    const verb = verbSchema.parse(parseNodeSubject(message.subject).verb);
    const request = message.json<Asked['request']>();
    if (verb !== 'status') agent.asked.push({ verb, request });
    const count = (counts.get(verb) ?? 0) + 1;
    counts.set(verb, count);
    const fault = await agent.fault(verb, count);
    if (fault === 'lost') return;
    const said = typeof fault === 'object' ? fault : model.answer(verb, request, now());
    if (fault !== 'mute') message.respond(JSON.stringify(said));
  };
  void (async () => {
    for await (const message of subscription) void handle(message);
  })();
  return agent;
}
