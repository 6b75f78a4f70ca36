import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fleetUp } from '../lab/fleet.ts';
import { labDown, labExec } from '../lab/lab.ts';
import { connectBus } from '../lib/bus/connect.ts';
import { createLogger } from '../lib/logger.ts';
import { tlsFiles } from '../lib/node-config.ts';
import { type Baseline, plainRunc, rawCriu } from './migration/baseline.ts';
import { untilAnswers, watchHoles } from './migration/hole.ts';
import { moveTo } from './migration/mover.ts';
import { describeMachine, percentile } from './shared/machine.ts';

// Warm moves against raw criu and plain runc of the same program, as a client outside sees them; in turn, within one run.
const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: `${process.env.GODWIT_CACHE ?? '/var/cache/godwit'}/bundles` },
    sizes: { type: 'string', default: '16,64,256,1024' },
    rounds: { type: 'string', default: '6' },
  },
});
const lab = `bench-${process.pid}`;
const rounds = Number(values.rounds);
const log = createLogger('bench', { level: 'error' });
const gibibytes = (count: number): number => count * 2 ** 30;
const nodes = [
  { name: 'hub', kind: 'hub', site: 'cloud', cores: 2, memoryBytes: gibibytes(2) },
  { name: 'edge-1', kind: 'edge', site: 'edge', cores: 2, memoryBytes: gibibytes(8) },
  { name: 'cloud-1', kind: 'cloud', site: 'cloud', cores: 2, memoryBytes: gibibytes(8) },
] as const;
const policy = `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: bench }
spec: { paused: true, overload: { targetThresholds: { cpu: 1, memory: 1 } } }
`;

interface Interval {
  from: number;
  to: number;
}

interface Sample {
  /** Of the client's hole. */
  ours: number;
  criu: number;
  runc: number;
  freezeMs: number;
  controlMs: number;
  drainMs: number;
  /** 99th percentile of the answers' times while pages were still coming in. */
  stallP99Ms: number;
}

// Node always sets up a ring for epoll; a container's seccomp profile forbids it, a bare process needs the kernel to
const ioUring = '/proc/sys/kernel/io_uring_disabled';
const ioUringBefore = await readFile(ioUring, 'utf8');

try {
  await writeFile(ioUring, '2');
  const fleet = await fleetUp({
    name: lab,
    nodes: [...nodes],
    binds: [{ source: values.bundles, target: '/opt/bundles' }],
    policy,
    nodeConfig: { monitor: { intervalMs: 1000 } },
  });
  const at = (name: string) => {
    const node = fleet.lab.nodes.find((one) => one.name === name);
    if (node?.root === undefined) throw new Error(`${name} does not run`);
    return { address: node.address, root: node.root };
  };
  const servers = [`tls://${at('hub').address}:4222`];
  const connection = await connectBus({ servers, user: 'operator', tls: tlsFiles(fleet.operator, 'operator'), log });
  const results = [];
  for (const mib of values.sizes.split(',').map(Number)) {
    const samples = await measure(mib);
    results.push({ mib, ...summary(samples) });
    console.error(JSON.stringify(results.at(-1)));
  }
  await connection.close();
  const machine = describeMachine({
    criu: await version('criu', /Version: (\S+)/),
    runc: await version('runc', /runc version (\S+)/),
  });
  await mkdir(join(import.meta.dirname, 'results'), { recursive: true });
  await writeFile(
    join(import.meta.dirname, 'results/migration.json'),
    `${JSON.stringify({ machine, rounds, results }, null, 2)}\n`,
  );

  async function measure(mib: number): Promise<Sample[]> {
    const name = `counter-${mib}`;
    const address = `${fleet.lab.subnet.replace(/\.0\/24$/, '')}.150`;
    const url = `http://${address}:8080/self`;
    const run = [
      'godwit',
      'run',
      name,
      '--bundle',
      '/opt/bundles/counter',
      '--address',
      address,
      '--env',
      `MIB=${mib}`,
    ];
    await labExec(lab, 'edge-1', run, { timeoutMs: 60_000 });
    await untilAnswers(url, 60_000);
    const baselines = [rawCriu(lab, 'edge-1'), plainRunc(lab, 'edge-1', at('edge-1').root)];
    // all three live through all rounds: a process that has served longer has more memory
    await inTurn(baselines.map((one) => () => one.start(mib)));
    const samples: Sample[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const target = round % 2 === 0 ? 'cloud-1' : 'edge-1';
      const source = target === 'cloud-1' ? 'edge-1' : 'cloud-1';
      const sample: Partial<Sample> = {};
      const turns = [
        async () => Object.assign(sample, await ourMove(name, url, source, target)),
        ...baselines.map((one) => async () => Object.assign(sample, { [one.name]: await plainMove(one) })),
      ];
      // each comes first in turn: what goes before leaves memory that is at hand, or is not
      await inTurn(turns.map((_, index) => turns[(index + round) % turns.length] as () => Promise<unknown>));
      // the first round warms up: memory that the machine has never touched
      if (round > 0) samples.push(sample as Sample);
    }
    await inTurn(baselines.map((one) => () => one.stop()));
    await labExec(lab, rounds % 2 === 0 ? 'cloud-1' : 'edge-1', ['godwit', 'rm', name], { timeoutMs: 60_000 });
    return samples;
  }

  async function ourMove(
    name: string,
    url: string,
    source: string,
    target: string,
  ): Promise<Omit<Sample, 'criu' | 'runc'>> {
    const client = await watchHoles(url);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = client.take();
    const event = await moveTo(connection, name, target, log);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { holeMs, after, nonce } = client.take();
    await client.stop();
    if (nonce !== before.nonce) throw new Error(`${name} is another process after the move`);
    const { freezeMs = Number.NaN, drainMs = 0 } = event.measurements ?? {};
    const draining = after.filter(({ at: ms }) => ms <= drainMs).map(({ tookMs }) => tookMs);
    draining.sort((a, b) => a - b);
    const stallP99Ms = draining.length > 0 ? percentile(draining, 0.99) : 0;
    const work = [
      ...(await workOf(source, event.id, ['dump'])),
      ...(await workOf(target, event.id, ['restore', 'the copy runs'])),
    ];
    return { ours: holeMs, freezeMs, drainMs, stallP99Ms, controlMs: freezeMs - covered(work) };
  }

  /** When the agent of `node` was at work for a migration, by its log. What is left of the freeze is the control plane's. */
  async function workOf(node: string, migration: string, kinds: readonly string[]): Promise<Interval[]> {
    const text = await readFile(join(at(node).root, 'var/log/agent.log'), 'utf8');
    const lines = text.split('\n').filter((line) => line.includes(migration));
    const work = lines.filter((line) => kinds.some((kind) => line.includes(`"${kind}"`)));
    const logged = work.map((line) => JSON.parse(line) as { time: string; durationMs?: number });
    return logged.map(({ time, durationMs = 0 }) => ({ from: Date.parse(time) - durationMs, to: Date.parse(time) }));
  }

  async function plainMove(baseline: Baseline): Promise<number> {
    const url = `http://${at('edge-1').address}:${baseline.port}/self`;
    await untilAnswers(url, 60_000);
    const client = await watchHoles(url);
    await new Promise((resolve) => setTimeout(resolve, 500));
    client.take();
    await baseline.move();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { holeMs } = client.take();
    await client.stop();
    return holeMs;
  }

  async function version(tool: string, pattern: RegExp): Promise<string> {
    return pattern.exec((await labExec(lab, 'edge-1', [tool, '--version'])).stdout)?.[1] ?? 'unknown';
  }
} finally {
  await writeFile(ioUring, ioUringBefore);
  await labDown(lab);
}
process.exit();

async function inTurn<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const one of work) results.push(await one());
  return results;
}

/** Length of the union, in ms. */
function covered(intervals: Interval[]): number {
  let end = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    sum += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return sum;
}

function summary(samples: readonly Sample[]): object {
  const spread = (values: number[]): object => {
    const sorted = values.sort((a, b) => a - b);
    return { median: percentile(sorted, 0.5), min: percentile(sorted, 0), max: percentile(sorted, 1) };
  };
  return {
    downtimeMs: spread(samples.map(({ ours }) => ours)),
    criuMs: spread(samples.map(({ criu }) => criu)),
    runcMs: spread(samples.map(({ runc }) => runc)),
    toCriu: spread(samples.map(({ ours, criu }) => ours / criu)),
    toRunc: spread(samples.map(({ ours, runc }) => ours / runc)),
    freezeMs: spread(samples.map(({ freezeMs }) => freezeMs)),
    controlMs: spread(samples.map(({ controlMs }) => controlMs)),
    drainMs: spread(samples.map(({ drainMs }) => drainMs)),
    stallP99Ms: spread(samples.map(({ stallP99Ms }) => stallP99Ms)),
  };
}
