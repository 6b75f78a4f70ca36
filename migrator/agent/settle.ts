import type { NatsConnection } from '@nats-io/transport-node';
import { request } from '../../lib/bus/request.ts';
import { agentReplySchema, statusResultSchema, type VerbResult } from '../../lib/contract/agent.ts';
import { messageOf } from '../../lib/errors.ts';
import { parseAs } from '../../lib/parse.ts';
import { nodeSubject } from '../../lib/subjects.ts';
import type { AgentService } from './agent.ts';
import type { AgentContext } from './context.ts';
import type { Journal, SourceJournal, TargetJournal } from './journal.ts';
import { stopLostCopy } from './lost.ts';

/** A driver that has not asked for this long may be gone; the agents then settle between themselves what the record says. */
const quietMs = 15_000;

/**
 * What an agent does of its own accord, once per tick and migration: the source aborts an open record whose deadline has passed;
 * a held copy looks up the record, and one that the source has superseded goes; a committed source looks whether its successor runs;
 * a copy whose page daemon has died is stopped.
 */
export async function settle(context: AgentContext, agent: AgentService, connection: NatsConnection): Promise<void> {
  for (const journal of context.journals.all().filter((journal) => !journal.ended)) {
    try {
      if (journal.role === 'source') await settleSource(context, agent, connection, journal);
      else if (journal.role === 'target') await settleTarget(context, agent, connection, journal);
    } catch (error) {
      context.log.warn({ migration: journal.migration, reason: messageOf(error) }, 'not settled yet');
    }
  }
}

const header = (context: AgentContext, journal: Journal, forMs: number) => ({
  migration: journal.migration,
  epoch: journal.epoch,
  term: journal.term,
  deadlineAt: context.clock.now() + forMs,
});

const isQuiet = (context: AgentContext, journal: Journal): boolean => context.clock.now() - journal.updatedAt > quietMs;

async function settleSource(
  context: AgentContext,
  agent: AgentService,
  connection: NatsConnection,
  journal: SourceJournal,
): Promise<void> {
  const overdue = journal.record === 'open' && context.clock.now() >= (journal.abortAt ?? 0);
  if (overdue) {
    await agent.ask('abort', { ...header(context, journal, 30_000), reason: 'the deadline passed before the commit' });
    return;
  }
  const waits = journal.record === 'committed' && !journal.released && !journal.attested;
  if (!waits || !isQuiet(context, journal) || !journal.target) return;
  const target = await statusAt(connection, journal.target, journal.migration);
  if (target.copy === 'running') {
    await agent.ask('switch', header(context, journal, 10_000));
    if (target.drained) await agent.ask('release', header(context, journal, 30_000));
  }
}

async function settleTarget(
  context: AgentContext,
  agent: AgentService,
  connection: NatsConnection,
  journal: TargetJournal,
): Promise<void> {
  if (journal.destroyed) return;
  const rebooted = journal.boot !== context.boot;
  if (journal.runningAt !== undefined) await stopLostCopy(context, journal);
  if (!isQuiet(context, journal) && !(rebooted && journal.runningAt !== undefined)) return;
  const source = await statusAt(connection, journal.source, journal.migration);
  // this node was taken for dead: what it holds, or runs, has to go
  if (source.attested || source.record === 'aborted') {
    const request = { ...header(context, journal, 30_000), reason: 'the source runs again' };
    await agent.ask('abort', source.attested ? { ...request, sourceRuns: true } : request);
  } else if (journal.runningAt === undefined) {
    if (source.record === 'committed')
      await agent.ask('run', { ...header(context, journal, 30_000), record: 'committed' });
  } else if (rebooted && !journal.lost) {
    // the copy ended with the reboot, and is the supervisor's to start anew
    journal.boot = context.boot;
    await context.journals.save(journal);
  }
}

async function statusAt(connection: NatsConnection, node: string, migration: string): Promise<VerbResult<'status'>> {
  const reply = await request(connection, nodeSubject(node, 'status'), { migration }, agentReplySchema, {
    timeoutMs: 2000,
  });
  if (!reply.ok) throw new Error(reply.error.message);
  return parseAs(statusResultSchema, reply.result, `status at ${node}`);
}
