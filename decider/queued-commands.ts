import type { JetStreamManager } from '@nats-io/jetstream';
import type { Decision } from '../lib/contract/decision.ts';
import { type Command, commandSchema } from '../lib/contract/migration.ts';
import type { Policy } from '../lib/contract/policy.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { migrationOfCommand, siteOfCommand } from '../lib/subjects.ts';
import { parseMessage } from './intake.ts';

const stream = 'COMMANDS';

export interface QueuedCommand {
  command: Command;
  /** The source's. */
  site: string;
}

/** Subjects of the commands that no migrator has done with, by migration. A work queue allows no second consumer that could read it. */
export async function listCommands(manager: JetStreamManager): Promise<Map<string, string>> {
  const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
  return new Map(Object.keys(state.subjects ?? {}).map((subject) => [migrationOfCommand(subject), subject]));
}

/** Undefined when it has been done with since, or is not for us to read: a migrator refuses what does not fit its schema. */
export async function readCommand(
  manager: JetStreamManager,
  subject: string,
  log: Logger,
): Promise<QueuedCommand | undefined> {
  const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
  if (!message) return undefined;
  try {
    return { command: parseMessage(commandSchema, message), site: siteOfCommand(subject) };
  } catch (error) {
    log.error({ fault: messageOf(error), subject }, 'message does not fit its schema');
    return undefined;
  }
}

/** What a command tells of the decision behind it: everything but the reasons. */
export function decisionBehind({ command, site }: QueuedCommand, { name, version }: Policy): Decision {
  const { id, workload, source, target, strategy, trigger, decision, epoch, issuedAt } = command;
  return {
    id: decision,
    at: issuedAt,
    epoch,
    site,
    node: source,
    verdict: 'migrate',
    trigger,
    workload,
    source,
    target,
    strategy,
    migration: id,
    dryRun: false,
    policy: { name, version },
    sentence: `${workload} moves from ${source} to ${target}: the record that said why was lost with the server that was to store it`,
    reports: [],
  };
}
