import { stringify } from 'yaml';
import { z } from 'zod';
import { request } from '../../lib/bus/request.ts';
import { agentReplySchema, statusResultSchema } from '../../lib/contract/agent.ts';
import { messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import { nodeSubject } from '../../lib/subjects.ts';
import { fields } from '../describe/text.ts';
import { exitCodes } from '../exit.ts';
import { parseFlags } from '../flags.ts';
import { type Hub, withHub } from '../hub-client.ts';
import type { Verb } from '../io.ts';
import { findMigration } from '../migration.ts';
import { outputFlags } from '../output.ts';
import { type AgentView, explain } from '../resolve/explain.ts';

const shape = { migration: z.string(), config: z.string().optional(), output: outputFlags.output };
const answerMs = 5000;

export const run: Verb = async (input, io) => {
  const flags = parseFlags(shape, input, 'resolve');
  return withHub(flags.config, io, async (hub) => {
    const { value: saga } = await findMigration(hub, flags.migration);
    const { id, source, target } = saga.command;
    const [atSource, atTarget] = await Promise.all([ask(hub, source, id), ask(hub, target, id)]);
    const verdict = explain(saga, atSource, atTarget);
    const found = {
      migration: id,
      source: { node: source, ...atSource },
      target: { node: target, ...atTarget },
      ...verdict,
    };
    if (flags.output === 'json') io.out(`${JSON.stringify(found, null, 2)}\n`);
    else if (flags.output === 'yaml') io.out(stringify(found));
    else
      io.out(
        `${fields({ Migration: id, [`Source ${source}`]: viewText(atSource), [`Target ${target}`]: viewText(atTarget) })}\n${verdict.meaning}\n`,
      );
    if (verdict.next) io.err(`next: ${verdict.next}\n`);
    return verdict.settled ? exitCodes.done : exitCodes.failed;
  });
};

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

function viewText(view: AgentView): string {
  if ('fault' in view) return `does not answer (${view.fault})`;
  const lost = view.lost ? ', lost' : '';
  return `copy ${view.copy}${view.record ? `, record ${view.record}` : ''}${lost}`;
}
