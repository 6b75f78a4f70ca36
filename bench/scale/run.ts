import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Fleet } from '../decider/fleet.ts';
import type { FleetLog } from '../decider/publisher.ts';
import { type BenchHub, pidOf, spawnFleet, startHub } from '../decider/setup.ts';
import { percentile, watchCores } from '../shared/machine.ts';
import { type Audit, audit, isClean } from './audit.ts';
import { type DeciderHandle, type Reading, startDecider } from './decider-handle.ts';

export interface RunOptions {
  fleet: Fleet;
  intervalMs: number;
  seconds: number;
  /** Whether the leader is killed beside a standby, and the successor with nobody beside it. */
  restarts: boolean;
}

const warmUpMs = 15_000;
const migrationMs = 3000;
const recordsEveryMs = 30_000;
/** Of the measured time: the leader dies and a standby takes over; that one dies and a new one is started. */
const killAt = { standby: 0.4, cold: 0.65 };

/** One fleet through a real server into real deciders. */
export async function run(
  options: RunOptions,
): Promise<Record<string, unknown> & { audit: Audit & { clean: boolean } }> {
  const { fleet, intervalMs, seconds, restarts } = options;
  const hub = await startHub(fleet);
  const started: DeciderHandle[] = [];
  const start = async (holder: string): Promise<DeciderHandle> => {
    const decider = await startDecider(hub.url, holder);
    started.push(decider);
    return decider;
  };
  let publisher: ReturnType<typeof spawnFleet> | undefined;
  try {
    const first = await start('first');
    if (!(await first.leads(Date.now() + 60_000))) throw new Error('no decider leads');
    const standby = restarts ? await start('standby') : undefined;
    publisher = spawnFleet({
      url: hub.url,
      fleet,
      perSecond: (fleet.nodes / intervalMs) * 1000,
      warmUpMs,
      durationMs: seconds * 1000,
      hotPerSecond: fleet.nodes / 250,
      quietMs: 3 * intervalMs + 5000,
      migrationMs,
      recordsEveryMs,
    });
    const begun = Date.now() + warmUpMs;
    const until = (share: number) => delay(Math.max(0, begun + share * seconds * 1000 - Date.now()));
    await until(0);
    const pids = { decider: first.pid, natsServer: hub.serverPid, fleet: pidOf(publisher.process) };
    const others = standby && { standby: standby.pid };
    const from = await first.read();
    const cores = await watchCores({ ...pids, ...others }, () => until(restarts ? killAt.standby : 0.98));
    const steady = cost(from, await first.read());
    const takeOvers: TakeOver[] = [];
    let last = first;
    let streamAtStart = 0;
    if (standby) {
      takeOvers.push(await replace(hub, first, async () => standby, begun + killAt.cold * seconds * 1000));
      await until(killAt.cold);
      streamAtStart = (await telemetryOf(hub)).firstSequence - 1;
      const takeOver = await replace(hub, standby, () => start('cold'), begun + seconds * 1000);
      takeOvers.push(takeOver);
      last = takeOver.successor;
    }
    const log = await publisher.log;
    const faults = audit(log);
    const telemetry = await telemetryOf(hub);
    const atEnd = await settled(last, telemetry.lastSequence - streamAtStart);
    return {
      load: {
        ...fleet,
        intervalMs,
        seconds,
        perSecond: (fleet.nodes / intervalMs) * 1000,
        hotPerSecond: fleet.nodes / 250,
      },
      samples: {
        sent: log.sent,
        notStored: log.sent - telemetry.lastSequence,
        unreadByLastDecider: telemetry.lastSequence - streamAtStart - atEnd.samples,
        repeated: atEnd.repeated,
        rejected: atEnd.rejected,
      },
      decisions: log.decisions.length,
      commands: log.commands.length,
      expired: log.commands.filter(({ expired }) => expired).length,
      repeatsDropped: log.repeats,
      unpublished: atEnd.unpublished,
      hotNodes: log.hot.length,
      audit: { clean: isClean(faults), ...faults },
      steady: { ...steady, cores },
      sampleToCommandMs: phases(log).map(({ epoch, latencies }) => ({ epoch, ...summary(latencies) })),
      takeOvers: takeOvers.map((takeOver) => told(takeOver, log)),
      lastDecider: atEnd.resident,
    };
  } finally {
    publisher?.process.kill('SIGKILL');
    for (const decider of started) await decider.kill();
    await hub.stop();
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** What a decider used between two readings. */
function cost(from: Reading, to: Reading): object {
  const samples = to.samples - from.samples;
  const used = to.processorSeconds - from.processorSeconds;
  return {
    samples,
    cores: rounded(used / ((to.at - from.at) / 1000)),
    microsecondsPerSample: rounded((used * 1e6) / samples),
    residentBytes: to.resident,
  };
}

async function telemetryOf(hub: BenchHub) {
  const { state } = await (await jetstreamManager(hub.connection)).streams.info('TELEMETRY');
  const spanMs = Date.parse(state.last_ts) - Date.parse(state.first_ts);
  const { messages, bytes, first_seq, last_seq } = state;
  return { messages, bytes, spanMs, firstSequence: first_seq, lastSequence: last_seq };
}

interface TakeOver {
  successor: DeciderHandle;
  killedAt: number;
  killed: Reading;
  /** What the stream held when the leader died. */
  telemetry: { messages: number; bytes: number; spanMs: number };
  /** Samples stored that the killed one had not read, for a decider that has read from the first one on. */
  unread: number;
  /** Undefined: it did not lead before the run ended. */
  leads: Reading | undefined;
}

async function replace(
  hub: BenchHub,
  leader: DeciderHandle,
  next: () => Promise<DeciderHandle>,
  deadline: number,
): Promise<TakeOver> {
  const killed = await leader.read();
  const { messages, bytes, spanMs, lastSequence } = await telemetryOf(hub);
  await leader.kill();
  const killedAt = Date.now();
  const successor = await next();
  const leads = await successor.leads(deadline);
  return {
    successor,
    killedAt,
    killed,
    telemetry: { messages, bytes, spanMs },
    unread: lastSequence - killed.samples,
    leads,
  };
}

/** Times count from the kill. */
function told({ killedAt, killed, telemetry, unread, leads }: TakeOver, log: FleetLog): object {
  const own = log.commands.filter(({ epoch }) => epoch === leads?.epoch);
  const first = Math.min(...own.map(({ at }) => at));
  const waiting = log.hot.filter(
    ({ from, until }) => from < killedAt && (until ?? Number.POSITIVE_INFINITY) > killedAt,
  );
  const waits = waiting.flatMap(({ until }) => (until === undefined ? [] : [until - killedAt]));
  return {
    killed: { epoch: killed.epoch, unread, residentBytes: killed.resident },
    telemetry,
    leadsAfterMs: leads && leads.at - killedAt,
    samplesReadWhenLeading: leads?.samples,
    firstCommandAfterMs: own.length > 0 ? first - killedAt : undefined,
    decidedByTheKilled: log.decisions.filter(
      ({ at, migration }) => at < killedAt && own.some(({ id }) => id === migration),
    ).length,
    hotAtTheKill: { nodes: waiting.length, commandAfterMs: summary(waits) },
  };
}

/** By the term of the leader that published the command. */
function phases({ commands }: FleetLog): { epoch: number; latencies: number[] }[] {
  return [...Map.groupBy(commands, ({ epoch }) => epoch)]
    .sort(([a], [b]) => a - b)
    .map(([epoch, own]) => ({ epoch, latencies: own.map(({ latencyMs }) => latencyMs) }));
}

function summary(values: number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(sorted, share));
  return { count: sorted.length, p50, p99, max };
}

/** Reads until the decider has read as many samples, or none more for five seconds. */
async function settled(decider: DeciderHandle, samples: number): Promise<Reading> {
  let reading = await decider.read();
  for (let quiet = 0; reading.samples < samples && quiet < 10; ) {
    await delay(500);
    const next = await decider.read();
    quiet = next.samples > reading.samples ? 0 : quiet + 1;
    reading = next;
  }
  return reading;
}
