import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Fleet } from '../decider/fleet.ts';
import type { FleetLog, Load } from '../decider/publisher.ts';
import { type BenchHub, pidOf, spawnFleet, startHub } from '../decider/setup.ts';
import { watchCores } from '../shared/machine.ts';
import { type Audit, audit, isClean } from './audit.ts';
import { type DeciderHandle, type Reading, startDecider } from './decider-handle.ts';
import { costOf, latenciesOf, type StreamState, type TakeOver, takeOverOf } from './report.ts';

export interface RunOptions {
  fleet: Fleet;
  intervalMs: number;
  seconds: number;
  /** Whether the leader is killed beside a standby, and the successor with nobody beside it. */
  restarts: boolean;
}

export type RunResult = Record<string, unknown> & { audit: Audit & { clean: boolean } };

const warmUpMs = 15_000;
/** Of the measured time: the leader dies and a standby takes over; that one dies and a new one is started. */
const killAt = { standby: 0.4, cold: 0.65 };

/** One fleet through a real server into real deciders. */
export async function run(options: RunOptions): Promise<RunResult> {
  const hub = await startHub(options.fleet);
  const started: DeciderHandle[] = [];
  const start = async (holder: string): Promise<DeciderHandle> => {
    const decider = await startDecider(hub.url, holder);
    started.push(decider);
    return decider;
  };
  let fleet: ReturnType<typeof spawnFleet> | undefined;
  try {
    const leader = await start('first');
    if (!(await leader.leads(Date.now() + 60_000))) throw new Error('no decider leads');
    const standby = options.restarts ? await start('standby') : undefined;
    const load = loadOf(options, hub.url);
    fleet = spawnFleet(load);
    const acts = await play({ hub, start, leader, standby, fleetPid: pidOf(fleet.process), seconds: options.seconds });
    const log = await fleet.log;
    const { hotPerSecond, perSecond } = load;
    return {
      load: { ...options.fleet, intervalMs: options.intervalMs, seconds: options.seconds, perSecond, hotPerSecond },
      ...(await resultOf(hub, acts, log)),
    };
  } finally {
    fleet?.process.kill('SIGKILL');
    for (const decider of started) await decider.kill();
    await hub.stop();
  }
}

const loadOf = ({ fleet, intervalMs, seconds }: RunOptions, url: string): Load => ({
  url,
  fleet,
  perSecond: (fleet.nodes / intervalMs) * 1000,
  warmUpMs,
  durationMs: seconds * 1000,
  hotPerSecond: fleet.nodes / 250,
  quietMs: 3 * intervalMs + 5000,
  patienceMs: 120_000,
  migrationMs: 3000,
  recordsEveryMs: 30_000,
});

interface Scene {
  hub: BenchHub;
  start(holder: string): Promise<DeciderHandle>;
  leader: DeciderHandle;
  /** Absent: nobody is killed. */
  standby: DeciderHandle | undefined;
  fleetPid: number;
  seconds: number;
}

interface Acts {
  steady: object;
  takeOvers: TakeOver[];
  last: DeciderHandle;
  /** Samples that the stream had dropped already when the last decider started. */
  dropped: number;
}

async function play({ hub, start, leader, standby, fleetPid, seconds }: Scene): Promise<Acts> {
  const begun = Date.now() + warmUpMs;
  const timeOf = (share: number): number => begun + share * seconds * 1000;
  const until = (share: number) => delay(Math.max(0, timeOf(share) - Date.now()));
  await until(0);
  const from = await leader.read();
  const pids = {
    decider: leader.pid,
    ...(standby && { standby: standby.pid }),
    natsServer: hub.serverPid,
    fleet: fleetPid,
  };
  const cores = await watchCores(pids, () => until(standby ? killAt.standby : 0.98));
  const steady = { ...costOf(from, await leader.read()), cores };
  if (!standby) return { steady, takeOvers: [], last: leader, dropped: 0 };
  const warm = await replace(hub, leader, async () => standby, timeOf(killAt.cold));
  await until(killAt.cold);
  const cold = await replace(hub, standby, () => start('cold'), timeOf(1));
  return { steady, takeOvers: [warm, cold], last: cold.successor, dropped: cold.telemetry.firstSequence - 1 };
}

async function replace(
  hub: BenchHub,
  leader: DeciderHandle,
  next: () => Promise<DeciderHandle>,
  deadline: number,
): Promise<TakeOver> {
  const killed = await leader.read();
  const telemetry = await telemetryOf(hub);
  await leader.kill();
  const killedAt = Date.now();
  const successor = await next();
  return { successor, killedAt, killed, telemetry, leads: await successor.leads(deadline) };
}

async function telemetryOf(hub: BenchHub): Promise<StreamState> {
  const { state } = await (await jetstreamManager(hub.connection)).streams.info('TELEMETRY');
  const { messages, bytes, first_seq: firstSequence, last_seq: lastSequence } = state;
  return {
    messages,
    bytes,
    spanMs: Date.parse(state.last_ts) - Date.parse(state.first_ts),
    firstSequence,
    lastSequence,
  };
}

async function resultOf(hub: BenchHub, { steady, takeOvers, last, dropped }: Acts, log: FleetLog): Promise<RunResult> {
  const stored = (await telemetryOf(hub)).lastSequence;
  const atEnd = await settled(last, stored - dropped);
  const faults = audit(log);
  return {
    samples: {
      sent: log.sent,
      notStored: log.sent - stored,
      unreadByLastDecider: stored - dropped - atEnd.samples,
      repeated: atEnd.repeated,
      rejected: atEnd.rejected,
    },
    decisions: log.decisions.length,
    commands: log.commands.length,
    lapsed: log.lapsed.length,
    expired: log.commands.filter(({ expired }) => expired).length,
    repeatsDropped: log.repeats,
    unpublished: atEnd.unpublished,
    hotNodes: log.hot.length,
    owedForMs: log.owedForMs,
    audit: { clean: isClean(faults), ...faults },
    steady,
    sampleToCommandMs: latenciesOf(log),
    takeOvers: takeOvers.map((takeOver) => takeOverOf(takeOver, log)),
    lastDecider: atEnd.resident,
  };
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
