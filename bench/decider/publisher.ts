import { setTimeout as delay } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { commandConsumer } from '../../lib/bus/streams.ts';
import { decisionSchema } from '../../lib/contract/decision.ts';
import { type Command, commandSchema, type MigrationEvent } from '../../lib/contract/migration.ts';
import { eventSubject, telemetrySubject } from '../../lib/subjects.ts';
import { type Fleet, isCloud, nameOf, recordOf, sampleWriter, siteOf } from './fleet.ts';

/** Plays the fleet's monitors and migrators; prints one line of JSON, a `FleetLog`. */
export interface Load {
  url: string;
  fleet: Fleet;
  perSecond: number;
  warmUpMs: number;
  durationMs: number;
  /** Nodes that go hot in each second; each cools when its migration has ended. */
  hotPerSecond: number;
  /** No node goes hot in the last part of the run. */
  quietMs: number;
  /** The samples go on for so long after the run while a decision has no command yet, or a hot node neither. */
  patienceMs: number;
  /** From a command taken up to its end. */
  migrationMs: number;
  /** Each migrator tells its record this often; 0: never again. */
  recordsEveryMs: number;
}

/** Times are milliseconds since the epoch. */
export interface FleetLog {
  sent: number;
  /** How long after the run the last command came that was owed; 0: none was. */
  owedForMs: number;
  /** Distinct decisions with a migration. */
  decisions: { migration: string; node: string; at: number }[];
  /** Migrations that a later record says never were. */
  lapsed: string[];
  /** As the work queue of commands delivered them first; `at` is when the server stored them. */
  commands: {
    id: string;
    workload: string;
    node: string;
    epoch: number;
    at: number;
    /** From the sample that the decision names to the command's publication. */
    latencyMs: number;
    /** It had expired when it was delivered, and did nothing. */
    expired: boolean;
    endedAt?: number;
  }[];
  /** Publications of a command under an id that was published before; the store drops them. */
  repeats: number;
  /** From when a node's samples turn hot to the store of the command that relieves it. */
  hot: { node: string; from: number; until?: number }[];
}
type CommandSeen = FleetLog['commands'][number];

const load = JSON.parse(process.argv[3] ?? '{}') as Load;
const { fleet } = load;
const connection = await connect({ servers: load.url, name: 'bench' });
const intervalMs = (fleet.nodes / load.perSecond) * 1000;
const writers = Array.from({ length: fleet.nodes }, (_, index) => sampleWriter(fleet, index, intervalMs));
const subjects = Array.from({ length: fleet.nodes }, (_, index) =>
  telemetrySubject(siteOf(fleet, index), nameOf(fleet, index)),
);
const indexOf = new Map(subjects.map((_, index) => [nameOf(fleet, index), index]));
/** Of the last samples of each node, by sequence: a decision names the sample that it was made on. */
const remembered = 64;
const sentAt = new Float64Array(fleet.nodes * remembered);
const sampleOf = new Map<string, number>();
const latencyOf = new Map<string, number>();
const spellOf: (FleetLog['hot'][number] | undefined)[] = Array.from({ length: fleet.nodes });
const log: FleetLog = { sent: 0, owedForMs: 0, decisions: [], lapsed: [], commands: [], repeats: 0, hot: [] };
const begun = performance.now();

connection.subscribe('decision.v1.>', {
  callback: (_, message) => {
    const { migration, lapsed, node, at, reports } = decisionSchema.parse(message.json());
    if (lapsed) log.lapsed.push(lapsed);
    if (!migration || sampleOf.has(migration)) return;
    sampleOf.set(migration, Number(reports[0]?.terms.sequence));
    log.decisions.push({ migration, node, at });
  },
});

connection.subscribe('migration.v1.*.command.>', {
  callback: (_, message) => {
    const now = performance.now();
    const { id, source } = commandSchema.parse(message.json());
    if (latencyOf.has(id)) log.repeats++;
    else latencyOf.set(id, now - (sentAt[slotOf(indexOf.get(source) ?? 0, sampleOf.get(id) ?? 0)] ?? 0));
  },
});

const slotOf = (index: number, sequence: number): number => index * remembered + (sequence % remembered);

const taken = new Set<number>();
const queue = await jetstream(connection).consumers.get('COMMANDS', commandConsumer);
const messages = await queue.consume({
  callback: (message) => {
    message.ack();
    // the queue delivers a message again whose acknowledgement was late
    if (taken.has(message.seq)) return;
    taken.add(message.seq);
    const command = commandSchema.parse(message.json());
    const { id, workload, source, epoch } = command;
    const expired = Date.now() > command.expiresAt;
    const at = message.time.getTime();
    const seen: CommandSeen = { id, workload, node: source, epoch, at, latencyMs: latencyOf.get(id) ?? 0, expired };
    log.commands.push(seen);
    tell(command, 'requested');
    if (expired) end(command, seen, 'refused');
    else carry(command, seen);
  },
});

function carry(command: Command, seen: CommandSeen): void {
  const index = indexOf.get(command.source) ?? 0;
  const spell = spellOf[index];
  if (spell) spell.until ??= seen.at;
  const finish = (): void => {
    spellOf[index] = undefined;
    end(command, seen, 'rolled-back');
  };
  if (load.migrationMs > 0) setTimeout(finish, load.migrationMs);
  else finish();
}

/** The migration is rolled back: the node carries on, cool. */
function end(command: Command, seen: CommandSeen, result: 'rolled-back' | 'refused'): void {
  seen.endedAt = Date.now();
  tell(command, 'ended', { result, reason: 'benchmark' });
}

function tell(command: Command, stage: 'requested' | 'ended', more: Partial<MigrationEvent> = {}): void {
  const { issuedAt: _, expiresAt: __, ...facts } = command;
  const event = { ...facts, term: 1, stage, at: Date.now(), ...more };
  connection.publish(
    eventSubject(siteOf(fleet, indexOf.get(command.source) ?? 0), command.id, stage),
    JSON.stringify(event),
  );
}

function publishOne(): void {
  const index = log.sent % fleet.nodes;
  const sequence = Math.floor(log.sent / fleet.nodes);
  const text = writers[index]?.(sequence, Date.now(), spellOf[index] !== undefined) ?? '';
  const identity = headers();
  identity.set('Nats-Msg-Id', `${nameOf(fleet, index)}.bench.${sequence}`);
  sentAt[slotOf(index, sequence)] = performance.now();
  connection.publish(subjects[index] ?? '', text, { headers: identity });
  log.sent++;
}

let nextHot = 0;
function heatOne(): void {
  nextHot = (nextHot + 7919) % fleet.nodes;
  if (isCloud(fleet, nextHot) || spellOf[nextHot]) return;
  const spell = { node: nameOf(fleet, nextHot), from: Date.now() };
  spellOf[nextHot] = spell;
  log.hot.push(spell);
}

/** A decision whose command has not come, or a hot node that nobody has relieved. */
const isOwed = (): boolean =>
  log.decisions.length > log.commands.length + log.lapsed.length || log.hot.some(({ until }) => until === undefined);

const durationMs = load.warmUpMs + load.durationMs;
let heated = 0;
let recorded = 0;
// the samples go on while something is owed: what falls silent is stale and gets no decision. What never comes is still missed
const goesOn = (elapsed: number): boolean =>
  elapsed < durationMs || (elapsed < durationMs + load.patienceMs && isOwed());
while (goesOn(performance.now() - begun)) {
  const elapsed = performance.now() - begun;
  for (const due = (elapsed / 1000) * load.perSecond; log.sent < due; ) publishOne();
  // every node is seen cool once before the first one heats up
  const heating = Math.min(elapsed, durationMs - load.quietMs) - intervalMs;
  for (const due = (heating / 1000) * load.hotPerSecond; heated < due; heated++) heatOne();
  for (const due = load.recordsEveryMs && (elapsed / load.recordsEveryMs) * fleet.nodes; recorded < due; recorded++) {
    const index = recorded % fleet.nodes;
    connection.publish(`$KV.nodes.${nameOf(fleet, index)}`, JSON.stringify(recordOf(fleet, index)));
  }
  await delay(1);
}
log.owedForMs = Math.max(0, performance.now() - begun - durationMs);
await delay(500);
messages.stop();
// those taken up already come to their end
await delay(load.migrationMs + 100);
process.stdout.write(`${JSON.stringify(log)}\n`);
await connection.close();
