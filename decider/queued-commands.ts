import type { JetStreamManager } from '@nats-io/jetstream';
import { readQueue } from '../lib/bus/queued.ts';
import type { Decision } from '../lib/contract/decision.ts';
import { type Command, commandSchema } from '../lib/contract/migration.ts';
import type { Policy } from '../lib/contract/policy.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { siteOfCommand } from '../lib/subjects.ts';
import { parseMessage } from './intake.ts';

export interface QueuedCommand {
  command: Command;
  /** The source's. */
  site: string;
}

/** The commands that no migrator has done with. One that does not fit its schema is a migrator's to refuse. */
export async function readCommands(manager: JetStreamManager, log: Logger): Promise<QueuedCommand[]> {
  const found: QueuedCommand[] = [];
  for await (const message of readQueue(manager, 'COMMANDS')) {
    try {
      found.push({ command: parseMessage(commandSchema, message), site: siteOfCommand(message.subject) });
    } catch (error) {
      log.error({ fault: messageOf(error), subject: message.subject }, 'message does not fit its schema');
    }
  }
  return found;
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
