import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fleetUp } from '../../lab/fleet.ts';
import { labDown, labExec } from '../../lab/lab.ts';
import { connectBus } from '../../lib/bus/connect.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { createLogger } from '../../lib/logger.ts';
import { tlsFiles } from '../../lib/node-config.ts';
import { untilCalm } from './calm.ts';
import { cast, nodes, type Part } from './cast.ts';
import { type Client, openLog, startClient } from './clients.ts';
import { type Identities, watchIdentities } from './identity.ts';
import { startLoad } from './load.ts';
import { type DemoReport, type MigrationRow, migrationRow, renderTable } from './report.ts';
import { followFleet, type Timeline } from './timeline.ts';

const { values } = parseArgs({
  options: { bundles: { type: 'string' }, json: { type: 'string' }, lab: { type: 'string', default: 'demo' } },
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
  tell(
    'raising three nodes: hub, edge-1 (1 core), cloud-1 (2 cores); each with its own namespaces, NATS, monitor, migrator',
  );
  const spec = { name: lab, nodes: [...nodes], binds: [{ source: bundles, target: '/opt/bundles' }] };
  const fleet = await fleetUp({ ...spec, policy, nodeConfig: { monitor: { intervalMs: 500 } } });
  const subnet = fleet.lab.subnet.replace(/\.0\/24$/, '');
  const urlOf = (part: Part): string => `http://${subnet}.${part.host}:8080`;
  const log = createLogger('demo', { level: 'error' });
  const hub = fleet.lab.nodes.find(({ kind }) => kind === 'hub')?.address ?? '';
  const connection = await connectBus({
    servers: [`tls://${hub}:4222`],
    user: 'operator',
    tls: tlsFiles(fleet.operator, 'operator'),
    log,
  });
  const timeline = followFleet(connection, tell, log, stopped.signal);
  for (const part of cast) await startPart(part, `${subnet}.${part.host}`);
  const raw = openLog(values.json ? `${values.json}.requests.jsonl` : join('/tmp', `godwit-${lab}-requests.jsonl`));
  const clients = cast.map((part) => startClient(part, urlOf(part), raw));
  const identities = watchIdentities(cast, urlOf, stopped.signal);
  tell('waiting    until edge-1 has come to rest: starting costs CPU too');
  await untilCalm(connection, log, { node: 'edge-1', belowRatio: 0.5, forMs: 4000, deadlineMs: 40_000 });
  await act(timeline, urlOf);
  const report = await reportOf(timeline, clients, identities);
  for (const client of clients) await client.stop();
  raw.end();
  await connection.close();
  return report;
}

async function startPart(part: Part, address: string): Promise<void> {
  const env = Object.entries(part.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const args = [
    'run',
    part.name,
    '--bundle',
    `/opt/bundles/${part.app}`,
    '--keeps',
    part.keeps,
    '--address',
    address,
    ...env,
  ];
  await labExec(lab, 'edge-1', ['godwit', ...args], { timeoutMs: 30_000 });
  const url = `http://${address}:8080/healthz`;
  const deadline = performance.now() + 20_000;
  while (
    !(await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (performance.now() > deadline) throw new Error(`${part.name} does not answer on ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  tell(`workload   ${part.name} (${part.app}, keeps ${part.keeps}) answers on ${address}`);
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

async function reportOf(timeline: Timeline, clients: readonly Client[], identities: Identities): Promise<DemoReport> {
  const migrations: MigrationRow[] = [];
  for (const id of new Set(timeline.events.map((event) => event.id))) {
    const events = timeline.events.filter((event) => event.id === id);
    const client = clients.find(({ part }) => part.name === events[0]?.workload);
    const ended = events.find(({ stage }) => stage === 'ended');
    if (!client || !ended || !events[0]) continue;
    const same = await identities.same(client.part.name, events[0].at, ended.at);
    migrations.push(migrationRow(events, timeline.decisions, client, same));
  }
  const returnedHome = migrations.some(({ result, target }) => result === 'succeeded' && target === 'edge-1');
  return {
    decisions: timeline.decisions,
    migrations,
    returnedHome,
    durationMs: Math.round(performance.now() - startedAt),
  };
}
