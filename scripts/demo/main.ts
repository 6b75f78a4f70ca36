import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labDown } from '../../lab/lab.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { createLogger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { raiseBare } from './bare-stage.ts';
import { untilCalm } from './calm.ts';
import { cast, type Part } from './cast.ts';
import { type Client, openLog, startClient } from './clients.ts';
import { raiseCluster } from './cluster-stage.ts';
import { type Identities, watchIdentities } from './identity.ts';
import { startLoad } from './load.ts';
import { type DemoReport, type MigrationRow, migrationRow, renderTable } from './report.ts';
import type { Stage } from './stage.ts';
import { followFleet, type Timeline } from './timeline.ts';

const { values } = parseArgs({
  options: {
    bundles: { type: 'string' },
    json: { type: 'string' },
    lab: { type: 'string', default: 'demo' },
    kubernetes: { type: 'boolean', default: false },
  },
});
if (!values.bundles) throw new Error('--bundles FOLDER is missing: where scripts/build-apps.ts has put the bundles');
const lab = values.lab;
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort(new Error(name)));

const startedAt = performance.now();
const tell = (line: string): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);

try {
  const report = await play(values.bundles);
  console.log(`\n${renderTable(report.migrations)}\n`);
  for (const row of report.migrations)
    console.log(`why ${row.workload} moved ${row.source} → ${row.target}: ${row.reason}`);
  console.log(
    `\nreturned home: ${report.returnedHome ? 'yes' : 'no'}; ${(report.durationMs / 1000).toFixed(1)} s in all`,
  );
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.returnedHome ? 0 : 1;
} finally {
  await labDown(lab);
}
process.exit();

async function play(bundles: string): Promise<DemoReport> {
  const policy = await readFile(join(import.meta.dirname, 'policy.yaml'), 'utf8');
  console.log(`The policy of this demo:\n\n${policy}`);
  const raise = values.kubernetes ? raiseCluster : raiseBare;
  const stage = await raise({ lab, bundles, policy, tell });
  const { fleet } = stage;
  const log = createLogger('demo', { level: 'error' });
  const hub = fleet.lab.nodes.find(({ kind }) => kind === 'hub')?.address ?? '';
  const connection = await connectBus({
    servers: [`tls://${hub}:4222`],
    user: 'operator',
    tls: tlsFiles(fleet.operator, 'operator'),
    log,
  });
  const timeline = followFleet(connection, tell, log, stopped.signal);
  const urls = new Map<Part, string>();
  for (const part of cast) urls.set(part, await startPart(stage, part));
  const urlOf = (part: Part): string => urls.get(part) ?? '';
  const raw = openLog(values.json ? `${values.json}.requests.jsonl` : join('/tmp', `godwit-${lab}-requests.jsonl`));
  const clients = cast.map((part) => startClient(part, urlOf(part), raw));
  const identities = watchIdentities(cast, urlOf, stopped.signal);
  const node = stage.monitored;
  tell(`waiting    until ${node} has come to rest: starting costs CPU too`);
  await untilCalm(connection, log, { node, belowRatio: 0.5, forMs: 4000, deadlineMs: 60_000 });
  await act(timeline, urlOf);
  const report = await reportOf(stage, timeline, clients, identities);
  for (const client of clients) await client.stop();
  raw.end();
  await connection.close();
  return report;
}

async function startPart(stage: Stage, part: Part): Promise<string> {
  const url = await stage.start(part);
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      (answer) => answer.ok,
      () => false,
    );
  for (const deadline = performance.now() + 20_000; !(await answers()); ) {
    if (performance.now() > deadline) throw new Error(`${part.name} does not answer on ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  tell(`workload   ${part.name} (${part.app}, keeps ${part.keeps}) answers on ${url}`);
  return url;
}

/** Load rises until the decider has moved the loaded workload, falls, and the workload comes home. */
async function act(timeline: Timeline, urlOf: (part: Part) => string): Promise<void> {
  const loaded = cast[0] as Part;
  const load = startLoad(urlOf(loaded));
  tell(`load       rises: ${load.clients} clients send picture after picture to ${loaded.name}`);
  const ended = (trigger: MigrationEvent['trigger']) => (event: MigrationEvent) =>
    event.stage === 'ended' && event.trigger === trigger && event.result === 'succeeded';
  await timeline.until('a move to the cloud', 60_000, ended('overload'));
  const answered = await load.stop();
  tell(
    `load       falls: ${answered.answered} pictures answered, ${answered.retried} retried, ${answered.failed} failed`,
  );
  await timeline.until('the return home', 60_000, ended('return'));
}

async function reportOf(
  stage: Stage,
  timeline: Timeline,
  clients: readonly Client[],
  identities: Identities,
): Promise<DemoReport> {
  const migrations: MigrationRow[] = [];
  for (const id of new Set(timeline.events.map((event) => event.id))) {
    const events = timeline.events.filter((event) => event.id === id);
    const client = clients.find(({ part }) => stage.workloadOf(part) === events[0]?.workload);
    const ended = events.find(({ stage }) => stage === 'ended');
    if (!client || !ended || !events[0]) continue;
    const same = await identities.same(client.part.name, events[0].at, ended.at);
    const row = migrationRow(events, timeline.decisions, client, same);
    migrations.push({ ...row, ...(await stage.detailsOf(ended)) });
  }
  const returnedHome = migrations.some(({ result, target }) => result === 'succeeded' && target === 'edge-1');
  return {
    decisions: timeline.decisions,
    migrations,
    returnedHome,
    durationMs: Math.round(performance.now() - startedAt),
  };
}
