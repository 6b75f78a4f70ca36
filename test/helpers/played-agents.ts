import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openStore } from '../../lib/bus/kv.ts';
import { publish } from '../../lib/bus/publish.ts';
import { commandConsumer, viaHub } from '../../lib/bus/streams.ts';
import { type Command, commandSchema, type Measurements, type MigrationEvent } from '../../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema, type Workload } from '../../lib/contract/node.ts';
import { type SagaState, sagaStateSchema } from '../../lib/contract/saga.ts';
import { createLogger } from '../../lib/logger.ts';
import { parseJson } from '../../lib/parse.ts';
import { eventSubject } from '../../lib/subjects.ts';
import type { LabHub } from './lab-hub.ts';
import { until } from './until.ts';

/** What agents and a driver say on the bus, said by the test: their messages are the contract. */
export interface PlayedAgents {
  /** Writes the node's record. */
  report(node: string, record: { workloads?: Workload[]; inbound?: string[] }): Promise<void>;
  /** Takes the next command off the queue, as a driver does. */
  nextCommand(): Promise<Command>;
  /** No command lies in the queue. */
  noCommand(): Promise<boolean>;
  /** Tells a stage of the command's migration. */
  tell(
    command: Command,
    stage: MigrationEvent['stage'],
    more?: Pick<MigrationEvent, 'result' | 'reason'> & { measurements?: Measurements },
  ): Promise<void>;
  /** Stores the state of the command's migration, as its driver does when it begins. */
  begin(command: Command): Promise<void>;
  state(migration: string): Promise<SagaState | undefined>;
}

const gib = 2 ** 30;
const log = createLogger('test', { level: 'fatal' });

export async function playAgents(
  hub: LabHub,
  nodes: readonly { name: string; tier: 'edge' | 'cloud' }[],
): Promise<PlayedAgents> {
  const connections = new Map<string, NatsConnection>();
  for (const { name } of nodes) connections.set(name, await hub.connectMigrator(name));
  const connectionOf = (name: string): NatsConnection => {
    const found = connections.get(name);
    if (!found) throw new Error(`no node ${name} is played`);
    return found;
  };
  const driver = connectionOf(nodes[0]?.name ?? '');
  const js = jetstream(driver, viaHub());
  const migrations = await openStore(driver, 'migrations', sagaStateSchema, log);
  const next = async (expires: number): Promise<Command | undefined> => {
    const consumer = await js.consumers.get('COMMANDS', commandConsumer);
    const message = await consumer.next({ expires });
    if (!message) return undefined;
    await message.ackAck();
    return parseJson(commandSchema, message.data, message.subject);
  };
  return {
    report: async (name, { workloads = [], inbound }) => {
      const store = await openStore(connectionOf(name), 'nodes', nodeRecordSchema, log);
      const tier = nodes.find((node) => node.name === name)?.tier ?? 'cloud';
      const record: NodeRecord = {
        ...{ name, site: tier === 'edge' ? 'plant' : 'central', tier, address: '192.0.2.1', engines: ['kubernetes'] },
        ...{ versions: {}, capacity: { cores: 2, memoryBytes: gib }, workloads, updatedAt: Date.now() },
        ...(inbound && { inbound }),
      };
      await store.put(name, record);
    },
    nextCommand: () => until('a command', 30_000, () => next(1000)),
    noCommand: async () => (await next(1000)) === undefined,
    tell: async (command, stage, more = {}) => {
      const { id, workload, source, target, strategy, trigger, decision, epoch } = command;
      const event: MigrationEvent = {
        ...{ id, workload, source, target, strategy, trigger, decision, epoch },
        ...{ term: 1, stage, at: Date.now(), ...more },
      };
      await publish(js, eventSubject('plant', id, stage), event, { id: `${id}.${stage}.1` });
    },
    begin: async (command) => {
      await migrations.create(command.id, {
        ...{ command, commandSequence: 1, term: 1, driver: 'test', direction: 'forward', step: 'dump', stage: 'dump' },
        ...{ cancelRequested: false, startedAt: {}, deadlineAt: Date.now() + 60_000, measurements: {} },
        updatedAt: Date.now(),
      });
    },
    state: async (migration) => (await migrations.get(migration))?.value,
  };
}
