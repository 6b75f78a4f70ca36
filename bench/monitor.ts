import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTestGroups, type TestGroups } from '../test/helpers/cgroups.ts';
import { natsServerBinary } from '../test/helpers/nats-server.ts';
import { eventually } from '../test/integration/lab-helpers.ts';
import { type Monitor, type MonitorSite, startMonitorSite } from '../test/integration/monitor-helpers.ts';
import { cpuMs, type Memory, memoryOf } from './monitor/process-cost.ts';
import { describeMachine, firstLine, percentile } from './shared/machine.ts';

/**
 * CPU time and memory of a monitor that watches real cgroups, each with a sleeping process and limits of CPU and memory, and
 * publishes to a real nats-server with TLS. The interval is the product's, 10 s, unless said otherwise; nothing is scaled.
 */
const { values } = parseArgs({
  options: {
    containers: { type: 'string', default: '110' },
    seconds: { type: 'string', default: '240' },
    'fast-seconds': { type: 'string', default: '60' },
    out: { type: 'string', default: 'bench/results/monitor.json' },
  },
});
const containers = Number(values.containers);
const windowMs = 30_000;
const settleMs = 15_000;

async function addContainers(site: MonitorSite, groups: TestGroups): Promise<void> {
  for (let index = 0; index < containers; index++) {
    const group = await groups.create(`c-${index}`, { cores: 0.1, memoryBytes: 2 ** 26 });
    group.run('sleep 3600');
    await site.addContainer(`workload-${index}`, group);
  }
}

/** Starts a monitor and lets it reach its steady state: connected, all containers found. */
async function startMeasured(site: MonitorSite, intervalMs: number): Promise<{ monitor: Monitor; pid: number }> {
  const from = site.leaf.received.length;
  const monitor = await site.start(intervalMs);
  const complete = (message: { containers: unknown[] }): boolean => message.containers.length === containers;
  await site.until(complete, { from, deadlineMs: 3 * intervalMs + 30_000 });
  await delay(settleMs);
  return { monitor, pid: monitor.process.pid ?? 0 };
}

interface Cost {
  intervalMs: number;
  seconds: number;
  /** Percent of one core, over windows of 30 s. */
  cpuPercent: { whole: number; median: number; min: number; max: number };
  memory: { median: Memory; max: Memory };
  messages: number;
}

async function measure(site: MonitorSite, intervalMs: number, seconds: number): Promise<Cost> {
  const { monitor, pid } = await startMeasured(site, intervalMs);
  const from = site.leaf.received.length;
  const percents: number[] = [];
  const memory: Memory[] = [];
  const [startedAt, startMs] = [performance.now(), cpuMs(pid)];
  let [lastAt, lastMs] = [startedAt, startMs];
  while (performance.now() - startedAt < seconds * 1000) {
    await delay(windowMs);
    const [at, usedMs] = [performance.now(), cpuMs(pid)];
    percents.push((100 * (usedMs - lastMs)) / (at - lastAt));
    memory.push(memoryOf(pid));
    [lastAt, lastMs] = [at, usedMs];
    process.stderr.write(
      `${intervalMs} ms: ${percents.at(-1)?.toFixed(3)} % of a core, ${JSON.stringify(memory.at(-1))}\n`,
    );
  }
  await monitor.stop('SIGTERM');
  const sorted = percents.toSorted((a, b) => a - b);
  const column = (key: keyof Memory): number[] => memory.map((one) => one[key]).toSorted((a, b) => a - b);
  const at = (share: number): Memory => ({
    rssMiB: percentile(column('rssMiB'), share),
    privateMiB: percentile(column('privateMiB'), share),
  });
  return {
    intervalMs,
    seconds: Math.round((lastAt - startedAt) / 1000),
    cpuPercent: {
      whole: Math.round((1e5 * (lastMs - startMs)) / (lastAt - startedAt)) / 1000,
      median: percentile(sorted, 0.5),
      min: percentile(sorted, 0),
      max: percentile(sorted, 1),
    },
    memory: { median: at(0.5), max: at(1) },
    messages: site.leaf.received.length - from,
  };
}

/** A first start on a machine has no compiled code to read; it leaves it behind for the later ones. */
async function measureColdStart(site: MonitorSite): Promise<Memory> {
  const monitor = await site.start(10_000);
  await eventually(async () => (monitor.log().includes('node facts') ? true : undefined), 30_000);
  await delay(settleMs);
  const cold = memoryOf(monitor.process.pid ?? 0);
  await monitor.stop('SIGTERM');
  return cold;
}

const groups = await createTestGroups();
const site = await startMonitorSite();
try {
  // As bin/godwit sets it for everything that it starts.
  process.env.NODE_COMPILE_CACHE = join(site.leaf.dir, 'compile-cache');
  await addContainers(site, groups);
  const machine = describeMachine({ natsServer: firstLine(await natsServerBinary(), ['--version']) });
  const coldStart = await measureColdStart(site);
  const normal = await measure(site, 10_000, Number(values.seconds));
  const fast = await measure(site, 1000, Number(values['fast-seconds']));
  const samplesPerSecond = (1000 / fast.intervalMs - 1000 / normal.intervalMs) * containers;
  const result = {
    machine: { ...machine, loadAverageAfter: (describeMachine() as { loadAverage: number[] }).loadAverage },
    containers,
    normal,
    fast,
    /** What one more sample of one container costs, from the difference of the two runs. */
    microsecondsPerContainerSample:
      Math.round((1e5 * (fast.cpuPercent.whole - normal.cpuPercent.whole)) / samplesPerSecond) / 10,
    coldStart: { memory: coldStart },
    targets: { cpuPercent: 0.5, rssMiB: 90, privateMiB: 45, microsecondsPerContainerSample: 100 },
  };
  await mkdir(join(values.out, '..'), { recursive: true });
  await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await site.close();
  await groups.removeAll();
}
