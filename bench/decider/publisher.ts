import { setTimeout as delay } from 'node:timers/promises';
import { connect, headers } from '@nats-io/transport-node';
import { decisionSchema } from '../../lib/contract/decision.ts';
import { type Command, commandSchema } from '../../lib/contract/migration.ts';
import { eventSubject, telemetrySubject } from '../../lib/subjects.ts';
import { type Fleet, isCloud, nameOf, sampleWriter, siteOf } from './fleet.ts';

/** Plays the fleet's monitors and migrators; prints one line of JSON with the latencies in milliseconds. */
interface Load {
  url: string;
  fleet: Fleet;
  perSecond: number;
  warmUpMs: number;
  durationMs: number;
  /** Nodes that go hot in each second; each cools when its command has come. */
  hotPerSecond: number;
}

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
const isHot = new Uint8Array(fleet.nodes);
const latencies: number[] = [];
const begun = performance.now();
let sent = 0;

connection.subscribe('decision.v1.>', {
  callback: (_, message) => {
    const { migration, reports } = decisionSchema.parse(message.json());
    if (migration) sampleOf.set(migration, Number(reports[0]?.terms.sequence));
  },
});

connection.subscribe('migration.v1.*.command.>', {
  callback: (_, message) => {
    const now = performance.now();
    const command = commandSchema.parse(message.json());
    const index = indexOf.get(command.source) ?? 0;
    const sequence = sampleOf.get(command.id) ?? 0;
    if (now - begun > load.warmUpMs) latencies.push(now - (sentAt[index * remembered + (sequence % remembered)] ?? 0));
    isHot[index] = 0;
    end(command, siteOf(fleet, index));
  },
});

/** The migration is rolled back at once: the node carries on, cool. */
function end(command: Command, site: string): void {
  const { id, workload, source, target, strategy, trigger, decision, epoch } = command;
  const event = { id, workload, source, target, strategy, trigger, decision, epoch, term: 1, stage: 'ended' as const };
  const text = JSON.stringify({ ...event, at: Date.now(), result: 'rolled-back', reason: 'benchmark' });
  connection.publish(eventSubject(site, id, 'ended'), text);
}

function publishOne(): void {
  const index = sent % fleet.nodes;
  const sequence = Math.floor(sent / fleet.nodes);
  const text = writers[index]?.(sequence, Date.now(), isHot[index] === 1) ?? '';
  const identity = headers();
  identity.set('Nats-Msg-Id', `${nameOf(fleet, index)}.bench.${sequence}`);
  sentAt[index * remembered + (sequence % remembered)] = performance.now();
  connection.publish(subjects[index] ?? '', text, { headers: identity });
  sent++;
}

let nextHot = 0;
let heated = 0;
while (performance.now() - begun < load.warmUpMs + load.durationMs) {
  const elapsed = performance.now() - begun;
  for (const due = (elapsed / 1000) * load.perSecond; sent < due; ) publishOne();
  // every node is seen cool once before the first one heats up
  for (const due = ((elapsed - intervalMs) / 1000) * load.hotPerSecond; heated < due; heated++) {
    nextHot = (nextHot + 7919) % fleet.nodes;
    if (!isCloud(fleet, nextHot)) isHot[nextHot] = 1;
  }
  await delay(1);
}
await delay(500);
process.stdout.write(`${JSON.stringify({ sent, latencies })}\n`);
await connection.close();
