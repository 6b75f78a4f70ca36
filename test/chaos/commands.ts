import { randomBytes } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { publish } from '../../lib/bus/publish.ts';
import { request } from '../../lib/bus/request.ts';
import { commandConsumer, viaHub } from '../../lib/bus/streams.ts';
import { type AgentReply, agentReplySchema, type Verb } from '../../lib/contract/agent.ts';
import type { Command } from '../../lib/contract/migration.ts';
import { commandSubject, nodeSubject } from '../../lib/subjects.ts';
import type { TestFleet } from '../helpers/fleet.ts';
import { until } from '../helpers/until.ts';

/** Puts a command into the stream, as a decider would; every call is a message of its own. */
export async function sendCommand(fleet: TestFleet, site: string, command: Command): Promise<void> {
  const decider = await fleet.connect('decider');
  const id = randomBytes(8).toString('hex');
  await publish(jetstream(decider, viaHub()), commandSubject(site, command.id), command, { id });
}

/** Resolves when no command waits for a driver and at most so many are being worked on. */
export async function untilCommandsAreTaken(fleet: TestFleet, underWay: number): Promise<void> {
  const hub = await jetstreamManager(await fleet.connect('hub'), { ...viaHub(), checkAPI: false });
  await until('all commands to be taken', 30_000, async () => {
    const { num_pending: waiting, num_ack_pending: taken } = await hub.consumers.info('COMMANDS', commandConsumer);
    return (waiting === 0 && taken <= underWay) || undefined;
  });
}

/** Asks a node's agent as a driver does. */
export async function askAgent(fleet: TestFleet, node: string, verb: Verb, message: object): Promise<AgentReply> {
  const migrator = await fleet.connectMigrator('cloud-2');
  return request(migrator, nodeSubject(node, verb), message, agentReplySchema, { timeoutMs: 5000 });
}

export function expectRefusal(reply: AgentReply, code: string): void {
  if (reply.ok || reply.error.code !== code)
    throw new Error(`expected a refusal with ${code}, got ${JSON.stringify(reply)}`);
}
