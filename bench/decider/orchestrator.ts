import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { natsServerBinary } from '../../test/helpers/nats-server.ts';
import { describeMachine, firstLine, percentile, residentBytes, watchCores } from '../shared/machine.ts';
import type { Fleet } from './fleet.ts';
import { deciderFlags, pidOf, spawnDecider, spawnFleet, startHub } from './setup.ts';

/**
 * Sample published → command published, and the decider's memory, through a real nats-server without TLS. The publisher plays the
 * monitors and the migrators in a process of its own; the latency counts from the sample that
 * a decision names to the arrival of its command.
 */
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    containers: { type: 'string', default: '30' },
    'per-second': { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
    out: { type: 'string', default: 'bench/results/decider.json' },
  },
});
const fleet: Fleet = { nodes: Number(values.nodes), clouds: 50, containers: Number(values.containers) };
const perSecond = Number(values['per-second']);
const warmUpMs = 15_000;
const durationMs = Number(values.seconds) * 1000;

const machine = describeMachine({ natsServer: firstLine(await natsServerBinary(), ['--version']) });
const hub = await startHub(fleet);
const decider = spawnDecider(hub.url);
try {
  await delay(5000);
  const rest = { hotPerSecond: 50, quietMs: 0, patienceMs: 5000, migrationMs: 0, recordsEveryMs: 0 };
  const publisher = spawnFleet({ url: hub.url, fleet, perSecond, warmUpMs, durationMs, ...rest });
  const warm = Date.now() + warmUpMs;
  await delay(warmUpMs);
  const pids = { decider: pidOf(decider), natsServer: hub.serverPid, publisher: pidOf(publisher.process) };
  const coresUsed = await watchCores(pids, () => delay(durationMs - 1000));
  const deciderBytes = residentBytes(pids.decider);
  const { sent, commands } = await publisher.log;
  const latencies = commands.filter(({ at }) => at > warm).map(({ latencyMs }) => latencyMs);
  latencies.sort((a, b) => a - b);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(latencies, share));
  const result = {
    machine,
    load: { ...fleet, perSecond, seconds: durationMs / 1000, sent },
    commands: latencies.length,
    sampleToCommandMs: { p50, p99, max },
    deciderBytes,
    deciderFlags,
    coresUsed,
    targets: { p50Ms: 2, p99Ms: 10, bytes: 300e6 },
  };
  await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  decider.kill('SIGKILL');
  await hub.stop();
}
