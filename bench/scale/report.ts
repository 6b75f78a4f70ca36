import type { FleetLog } from '../decider/publisher.ts';
import { percentile } from '../shared/machine.ts';
import type { DeciderHandle, Reading } from './decider-handle.ts';

/** What the stream of samples holds. */
export interface StreamState {
  messages: number;
  bytes: number;
  spanMs: number;
  firstSequence: number;
  lastSequence: number;
}

export interface TakeOver {
  successor: DeciderHandle;
  /** Milliseconds since the epoch. */
  killedAt: number;
  /** The leader that died, and the stream, just before. */
  killed: Reading;
  telemetry: StreamState;
  /** When it first led; undefined: it did not before the run ended. */
  leads: Reading | undefined;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** What a decider used between two readings. */
export function costOf(from: Reading, to: Reading): object {
  const samples = to.samples - from.samples;
  const used = to.processorSeconds - from.processorSeconds;
  return {
    samples,
    cores: rounded(used / ((to.at - from.at) / 1000)),
    microsecondsPerSample: rounded((used * 1e6) / samples),
    residentBytes: to.resident,
  };
}

/** Times count from the kill. `unread`: samples stored that the killed one had not read, had it read from the first one on. */
export function takeOverOf({ killedAt, killed, telemetry, leads }: TakeOver, log: FleetLog): object {
  const own = log.commands.filter(({ epoch }) => epoch === leads?.epoch);
  const published = new Set(own.map(({ id }) => id));
  const first = Math.min(...own.map(({ at }) => at));
  const waiting = log.hot.filter(
    ({ from, until }) => from < killedAt && (until ?? Number.POSITIVE_INFINITY) > killedAt,
  );
  const waits = waiting.flatMap(({ until }) => (until === undefined ? [] : [until - killedAt]));
  const { messages, bytes, spanMs, lastSequence } = telemetry;
  return {
    killed: { epoch: killed.epoch, unread: lastSequence - killed.samples, residentBytes: killed.resident },
    telemetry: { messages, bytes, spanMs },
    leadsAfterMs: leads && leads.at - killedAt,
    samplesReadWhenLeading: leads?.samples,
    firstCommandAfterMs: own.length > 0 ? first - killedAt : undefined,
    decidedByTheKilled: log.decisions.filter(({ at, migration }) => at < killedAt && published.has(migration)).length,
    hotAtTheKill: { nodes: waiting.length, commandAfterMs: summaryOf(waits) },
  };
}

/** By the term of the leader that published the command. */
export function latenciesOf({ commands }: FleetLog): object[] {
  return [...Map.groupBy(commands, ({ epoch }) => epoch)]
    .sort(([a], [b]) => a - b)
    .map(([epoch, own]) => ({ epoch, ...summaryOf(own.map(({ latencyMs }) => latencyMs)) }));
}

function summaryOf(values: number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(sorted, share));
  return { count: sorted.length, p50, p99, max };
}
