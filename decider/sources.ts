import { type JetStreamManager, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { viaHub } from '../lib/bus/streams.ts';
import type { Clock } from '../lib/clock.ts';
import { type Decision, decisionSchema } from '../lib/contract/decision.ts';
import { type MigrationEvent, migrationEventSchema } from '../lib/contract/migration.ts';
import { type NodeRecord, nodeRecordSchema } from '../lib/contract/node.ts';
import type { Telemetry } from '../lib/contract/telemetry.ts';
import type { Logger } from '../lib/logger.ts';
import { type CalmNotes, calmNotesSchema, notedEveryMs } from './calm-notes.ts';
import type { Core } from './core.ts';
import { createIntake, type Intake, parseMessage } from './intake.ts';
import type { DeciderMetrics } from './metrics.ts';
import { listCommands, type QueuedCommand, readCommand } from './queued-commands.ts';
import { recallCalm } from './return-home/calm.ts';
import { lookBackMs } from './signals/params.ts';
import { parseTelemetry } from './telemetry.ts';

export interface SourceOptions {
  connection: NatsConnection;
  core: Core;
  metrics: DeciderMetrics;
  /** Takes each sample. */
  sample(sample: Telemetry): void;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

export interface Sources {
  run(): Promise<void>;
  /** Everything that the streams held at the call has been folded. */
  caughtUp(): Promise<void>;
  /** Subjects of the commands that lie in the queue now, by migration. */
  queued(): Promise<ReadonlyMap<string, string>>;
  /** One of them; undefined when it no longer lies there. */
  command(subject: string): Promise<QueuedCommand | undefined>;
}

/** A migration under way is found again even where the policy keeps a shorter history. */
const leastHistoryMs = 86_400_000;

/** What the world is folded from: node records, decisions, events of migrations, telemetry. */
export async function openSources(options: SourceOptions): Promise<Sources> {
  const { connection, core, metrics, sample, clock, log, signal } = options;
  const { spec } = core.world.policy;
  const shared = {
    js: jetstream(connection, viaHub()),
    manager: await jetstreamManager(connection, viaHub()),
    clock,
    log,
    signal,
  };
  const read = <T>(stream: string, since: number, parse: (message: JsMsg) => T, fold: (value: T) => void): Intake =>
    createIntake({ ...shared, stream, since, parse, fold, rejected: () => metrics.rejected(stream) });

  const now = clock.now();
  const since = now - Math.max(lookBackMs(spec, await newestIntervalMs(shared.manager)), 2 * notedEveryMs);
  const historyStart = now - Math.max(spec.budgets.migrationHistoryWindow, leastHistoryMs);
  const nodes = read('KV_nodes', 0, parseNodeEntry, ({ name, record }) => core.node(name, record));
  const notes = read('KV_calm', 0, parseCalmEntry, ({ home, stretches }) => recallCalm(core.world, home, stretches));
  const decisions = read('DECISIONS', historyStart, asDecision, core.past.decision);
  const events = read('EVENTS', historyStart, asEvent, core.event);
  const telemetry = createIntake({
    ...shared,
    stream: 'TELEMETRY',
    since,
    parse: parseTelemetry,
    fold: sample,
    rejected: () => metrics.sample('rejected'),
  });
  return {
    run: async () => {
      const watched = nodes.run();
      // who is away from home has to be known before samples say how calm it is there, and since when it has been
      await nodes.caughtUp();
      const noted = notes.run();
      await notes.caughtUp();
      await Promise.all([watched, noted, decisions.run(), events.run(), telemetry.run()]);
    },
    caughtUp: async () => {
      await Promise.all([nodes, notes, decisions, events, telemetry].map((intake) => intake.caughtUp()));
    },
    queued: () => listCommands(shared.manager),
    command: (subject) => readCommand(shared.manager, subject, log),
  };
}

/** Of a fleet whose newest sample says nothing. */
const usualIntervalMs = 10_000;

/** The interval of the newest sample stands for the fleet's. */
async function newestIntervalMs(manager: JetStreamManager): Promise<number> {
  const { state } = await manager.streams.info('TELEMETRY');
  const newest = state.messages > 0 ? await manager.streams.getMessage('TELEMETRY', { seq: state.last_seq }) : null;
  try {
    return newest ? parseTelemetry(newest).intervalMs : usualIntervalMs;
  } catch {
    return usualIntervalMs;
  }
}

function parseCalmEntry(message: JsMsg): { home: string; stretches: CalmNotes } {
  return { home: message.subject.slice('$KV.calm.'.length), stretches: parseMessage(calmNotesSchema, message) };
}

const asDecision = (message: JsMsg): Decision => parseMessage(decisionSchema, message);
const asEvent = (message: JsMsg): MigrationEvent => parseMessage(migrationEventSchema, message);

/** An entry of the bucket `nodes`, read as a message of its stream: one by one, however many there are. */
function parseNodeEntry(message: JsMsg): { name: string; record: NodeRecord | undefined } {
  const name = message.subject.slice('$KV.nodes.'.length);
  const deleted = ['DEL', 'PURGE'].includes(message.headers?.get('KV-Operation') ?? '');
  return { name, record: deleted ? undefined : parseMessage(nodeRecordSchema, message) };
}
