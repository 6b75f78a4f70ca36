import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStream } from '../../lib/bus/read-stream.ts';
import { viaHub } from '../../lib/bus/streams.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import { type Telemetry, telemetrySchema } from '../../lib/contract/telemetry.ts';
import { parseJson } from '../../lib/parse.ts';
import { startLoad } from '../../scripts/demo/load.ts';
import { raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { diaryOn, writing } from '../helpers/fleet-diary.ts';
import { leftovers, liveOn } from '../helpers/fleet-facts.ts';
import { runWorkload, selfOf, untilReported } from '../helpers/fleet-moves.ts';
import { untilReady } from '../helpers/fleet-services.ts';
import { tell } from '../helpers/fleet-story.ts';
import { until } from '../helpers/until.ts';

const gib = 2 ** 30;
const node = (name: string, kind: 'hub' | 'edge' | 'cloud', site: string, cores: number, memoryBytes: number) => ({
  name,
  kind,
  site,
  cores,
  memoryBytes,
});

// no threshold differs from the default policy's; times do
const policy = `
apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: hasty }
spec:
  signals: { timeConstant: 1s }
  victim: { minWorkloadAge: 5s }
  budgets: { minMigrationInterval: 2s, migrationCooldown: 2s, maxMigrationCooldown: 4s }
  returnHome: { stabilizationWindowSeconds: 5 }
`;

let fleet: TestFleet;
beforeAll(async () => {
  const nodes = [
    node('hub', 'hub', 'cloud', 2, 2 * gib),
    node('edge-1', 'edge', 'plant', 1, 2 * gib),
    node('edge-2', 'edge', 'shop', 2, gib),
    node('cloud-1', 'cloud', 'cloud', 2, 4 * gib),
  ];
  fleet = await raiseFleet({ nodes, policy });
  await untilReady(fleet);
});
afterAll(() => fleet?.down());

/** The next sample of a node that fits. */
async function sampleOf(name: string, fits: (sample: Telemetry) => boolean, ms = 30_000): Promise<Telemetry> {
  const reading = { since: Date.now(), clock: systemClock, log: fleet.log, signal: AbortSignal.timeout(ms) };
  let last: Telemetry | undefined;
  for await (const { data, subject } of readStream(jetstream(fleet.operator, viaHub()), 'TELEMETRY', reading)) {
    const sample = parseJson(telemetrySchema, data, subject);
    if (sample.node !== name) continue;
    last = sample;
    if (fits(sample)) return sample;
  }
  throw new Error(`no such sample of ${name} in ${ms} ms; the last: ${JSON.stringify(last)}`);
}

/** Waits for a move that nobody has asked for, checks that it went well, and answers it with the decision behind it. */
async function moved(workload: string, trigger: 'overload' | 'return'): Promise<MigrationEvent & { why: Decision }> {
  const fits = (event: MigrationEvent): boolean =>
    event.workload === workload && event.trigger === trigger && event.stage === 'ended';
  const end = await fleet.story.until(`${workload} to move for ${trigger}`, 60_000, fits).catch((error: Error) => {
    const said = fleet.story.decisions.map(({ sentence }) => sentence).slice(-6);
    throw new Error(`${error.message}\ndecisions: ${said.join('\n  ')}`, { cause: error });
  });
  expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'warm' });
  const why = fleet.story.decisions.find(({ id }) => id === end.decision);
  if (!why) throw new Error(`no decision ${end.decision}`);
  return { ...end, why };
}

/** Exactly one copy, and nothing left on the other nodes. */
async function livesOn(workload: string, where: string): Promise<void> {
  await until(`${workload} to live on ${where} alone`, 20_000, async () => {
    const live = await liveOn(fleet.workers, workload);
    const others = fleet.workers.filter(({ name }) => name !== where);
    const left = await Promise.all(others.map((other) => leftovers(other, workload, false)));
    if (live.join() !== where || left.flat().length > 0) throw new Error(`${live.join()}; ${left.flat().join('; ')}`);
    return true;
  });
}

const stage = (decision: Decision, name: string) => decision.reports.find((report) => report.stage === name)?.terms;

test('load on the CPU sends a workload away, calm brings it home: the same process, with its files, both ways', async () => {
  const given = { name: 'reducer', node: 'edge-1', host: 101, app: 'image-reduction' };
  const workload = await runWorkload(fleet, { ...given, env: writing });
  const files = 'var/lib/godwit/workloads/reducer/bundle/rootfs';
  const born = await selfOf(workload);
  await sampleOf('edge-1', ({ cpu }) => cpu.usageCores / cpu.capacityCores < 0.5);
  expect(fleet.story.events).toEqual([]);

  const load = startLoad(workload.url);
  let served: Awaited<ReturnType<typeof load.stop>>;
  try {
    const away = await moved('reducer', 'overload');
    expect(away).toMatchObject({ source: 'edge-1', target: 'cloud-1' });
    expect(stage(away.why, 'overload')).toMatchObject({ kind: 'cpu' });
  } finally {
    served = await load.stop();
  }
  expect(served).toMatchObject({ failed: 0 });
  expect(served.answered).toBeGreaterThan(10);
  const there = await diaryOn(fleet.node('cloud-1'), files);
  await livesOn('reducer', 'cloud-1');

  expect(await moved('reducer', 'return')).toMatchObject({ source: 'cloud-1', target: 'edge-1' });
  await livesOn('reducer', 'edge-1');
  await diaryOn(fleet.node('edge-1'), files, there);
  const self = await selfOf(workload);
  expect(self).toMatchObject({ nonce: born.nonce, checksum: { ok: true } });
  expect(self.counter).toBeGreaterThan(born.counter);
  await fleet.exec('edge-1', ['godwit', 'rm', 'reducer']);
});

test('memory alone sends away a container that plain runc has started and that nobody has told Godwit of', async () => {
  const quiet = await sampleOf('edge-2', () => true);
  const { usageBytes, capacityBytes } = quiet.memory;
  const ballastMib = Math.round((capacityBytes * 0.9 - usageBytes) / 2 ** 20) - 60;
  const bundle = '/var/lib/godwit/plain';
  await fleet.exec('edge-2', ['cp', '-a', '/opt/bundles/counter', bundle]);
  const config = join(fleet.node('edge-2').root, bundle, 'config.json');
  const oci = JSON.parse(await readFile(config, 'utf8')) as { process: { env: string[] } };
  oci.process.env.push(`MIB=${ballastMib}`, `NODE_OPTIONS=${writing.NODE_OPTIONS}`);
  await writeFile(config, JSON.stringify(oci));
  const run = `runc run --detach --bundle ${bundle} plain </dev/null >/dev/null 2>&1`;
  await fleet.exec('edge-2', ['/bin/sh', '-c', run]);
  await untilReported(fleet, 'plain', 'edge-2');
  const before = await diaryOn(fleet.node('edge-2'), `${bundle}/rootfs`);

  const away = await moved('plain', 'overload');
  expect(away).toMatchObject({ source: 'edge-2', target: 'cloud-1' });
  expect(stage(away.why, 'overload')).toMatchObject({ kind: 'memory' });
  expect(stage(away.why, 'signals')?.cpuRatio).toBeLessThan(0.7);
  await livesOn('plain', 'cloud-1');
  await diaryOn(fleet.node('cloud-1'), 'var/lib/godwit/workloads/plain/bundle/rootfs', before);
  await fleet.exec('cloud-1', ['godwit', 'rm', 'plain', '--grace', '1s']);
});

test('a workload at its own CPU limit leaves a node that is cool', async () => {
  const burn = { MIB: '32', DIRTY_MIB_PER_S: '2000' };
  const given = { name: 'capped', node: 'edge-2', host: 102, flags: ['--cpus', '0.4'] };
  const workload = await runWorkload(fleet, { ...given, env: burn });
  const born = await selfOf(workload);
  const away = await moved('capped', 'overload');
  expect(stage(away.why, 'overload')).toMatchObject({ kind: 'workload' });
  expect(stage(away.why, 'signals')?.cpuRatio).toBeLessThan(0.7);
  await livesOn('capped', 'cloud-1');
  // it is lifted for the restore alone
  const limits = 'find /sys/fs/cgroup/ -name cpu.cfs_quota_us -exec cat {} + -o -name cpu.max -exec cat {} +';
  expect(await fleet.exec('cloud-1', ['sh', '-c', limits])).toMatch(/^40000\b/m);
  expect(await selfOf(workload)).toMatchObject({ nonce: born.nonce, checksum: { ok: true } });
});
