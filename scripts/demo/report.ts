import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { type Client, longestHole } from './clients.ts';
import type { Details } from './stage.ts';

/** One line of the demo's table and of its JSON; times in ms, sizes in bytes. */
export interface MigrationRow extends Details {
  id: string;
  workload: string;
  strategy: string;
  source: string;
  target: string;
  result: string;
  reason: string;
  freezeMs: number | null;
  downtimeMs: number;
  totalMs: number | null;
  memoryBytes: number;
  filesBytes: number;
  sameProcess: boolean;
  requestsAnswered: number;
  requestsFailed: number;
  requestsRetried: number;
}

export interface DemoReport {
  decisions: Decision[];
  migrations: MigrationRow[];
  returnedHome: boolean;
  durationMs: number;
}

/** Clients that still wait when a copy has been let go turn up within this time. */
const settleMs = 3000;

export function migrationRow(
  events: readonly MigrationEvent[],
  decisions: readonly Decision[],
  client: Client,
  sameProcess: boolean,
): MigrationRow {
  const ended = events.find((event) => event.stage === 'ended');
  const first = events[0];
  if (!ended || !first) throw new Error('a migration without beginning or end');
  const during = client.outcomes.filter(({ t, latencyMs }) => t + latencyMs >= first.at && t <= ended.at + settleMs);
  const measured = ended.measurements ?? {};
  return {
    id: ended.id,
    workload: ended.workload,
    strategy: ended.strategy,
    source: ended.source,
    target: ended.target,
    result: ended.result ?? 'unknown',
    reason: decisions.find((decision) => decision.id === ended.decision)?.sentence ?? '',
    freezeMs: measured.freezeMs ?? null,
    downtimeMs: longestHole(client.outcomes, first.at, ended.at + settleMs),
    totalMs: measured.totalMs ?? null,
    memoryBytes: measured.memoryBytes ?? 0,
    filesBytes: measured.filesBytes ?? 0,
    sameProcess,
    requestsAnswered: during.filter(({ status }) => status !== null && status < 500).length,
    requestsFailed: during.filter(({ status }) => status === null || status >= 500).length,
    requestsRetried: during.filter(({ attempts }) => attempts > 1).length,
  };
}

export function renderTable(rows: readonly MigrationRow[]): string {
  const ms = (value: number | null): string => (value === null ? '<none>' : `${Math.round(value)}ms`);
  const lines = rows.map((row) => [
    row.workload,
    `${row.source} → ${row.target}`,
    row.strategy,
    row.result,
    ms(row.freezeMs),
    ms(row.downtimeMs),
    ms(row.totalMs),
    `${((row.memoryBytes + row.filesBytes) / 2 ** 20).toFixed(1)}Mi`,
    String(row.requestsAnswered),
    String(row.requestsRetried),
    String(row.requestsFailed),
    row.sameProcess ? 'yes' : 'no',
  ]);
  const headers =
    'WORKLOAD MOVE STRATEGY RESULT FREEZE DOWNTIME TOTAL MOVED ANSWERED RETRIED FAILED SAME-PROCESS'.split(' ');
  const table = [headers, ...lines];
  const widths = headers.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
