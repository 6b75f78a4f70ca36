import { afterAll, beforeAll, expect, test } from 'vitest';
import { linkCut, linkHeal } from '../../lab/lab.ts';
import { type FleetNode, raiseFleet, type TestFleet } from '../helpers/fleet.ts';
import { copyOn, leftovers, liveOn } from '../helpers/fleet-facts.ts';
import { closeGate, installGates } from '../helpers/fleet-gates.ts';
import { stopDaemon } from '../helpers/fleet-lost.ts';
import { endOf, orderMove, runWorkload, type Self, selfOf, type Workload } from '../helpers/fleet-moves.ts';
import { signalService, untilReady } from '../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../helpers/fleet-specs.ts';
import { godwit } from '../helpers/godwit.ts';
import { until } from '../helpers/until.ts';

const metricsPort = 9464;
let fleet: TestFleet;
let edge: FleetNode;
let cloud: FleetNode;
beforeAll(async () => {
  fleet = await raiseFleet({
    nodes: edgeAndCloud,
    policy: pausedPolicy,
    nodeConfig: { migrator: { metricsPort } },
  });
  [edge, cloud] = [fleet.node('edge-1'), fleet.node('cloud-1')];
  for (const node of fleet.workers) await installGates(node);
  await untilReady(fleet);
});
afterAll(() => fleet?.down());

const say = (...args: string[]) => godwit(args, { env: { GODWIT_CONFIG: fleet.config } });

async function tidy(name: string, home: FleetNode): Promise<void> {
  await until('nothing to be left behind', 20_000, async () => {
    const lines = await Promise.all(fleet.workers.map((node) => leftovers(node, name, node.name === home.name)));
    if (lines.flat().length > 0) throw new Error(lines.flat().join('; '));
    return true;
  });
  expect(await liveOn(fleet.workers, name)).toEqual([home.name]);
}

/** A lazy move whose page daemon is killed while pages are still to come. */
async function lose(name: string, host: number): Promise<{ workload: Workload; before: Self; migration: string }> {
  const workload = await runWorkload(fleet, { name, node: 'edge-1', host, env: { MIB: '256' } });
  const before = await selfOf(workload);
  const gate = await closeGate(cloud, 'runc *restore*');
  const migration = await orderMove(fleet, { workload: name, target: 'cloud-1', strategy: 'warm' });
  await gate.reached(60_000);
  const daemon = await stopDaemon(fleet, gate, migration);
  await fleet.story.until('the copy to run', 60_000, ({ id, stage }) => id === migration && stage === 'switch');
  await fleet.exec('cloud-1', ['kill', '-KILL', daemon]);
  expect(await endOf(fleet, migration)).toMatchObject({ result: 'lost' });
  return { workload, before, migration };
}

test('a lost copy stops, says so, and gives way to the original', async () => {
  const { workload, before, migration } = await lose('gone', 111);
  await until(
    'the lost copy to stand still',
    10_000,
    async () => (await copyOn(cloud, 'gone')) !== 'running' || undefined,
  );
  expect(await copyOn(edge, 'gone')).toBe('frozen');
  await until('the loss to be reported', 10_000, async () => {
    const { stdout } = await say('get', 'workloads', 'gone');
    return /gone +cloud-1 +Lost /.test(stdout) || undefined;
  });
  const fetching = `fetch('http://127.0.0.1:${metricsPort}/metrics').then((r) => r.text()).then(console.log)`;
  const metrics = await fleet.exec('cloud-1', ['/opt/godwit/node_modules/.bin/node', '-e', fetching]);
  expect(metrics).toContain('godwit_migrator_open_migrations{state="lost"} 1');
  expect(metrics).toContain('godwit_migrator_page_daemons{state="lost"} 1');
  const asked = await say('resolve', migration);
  expect(asked).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/lost[\s\S]*--keep source/) });
  const unsure = await say('resolve', migration, '--keep', 'source');
  expect(unsure).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/1\. cloud-1: destroy.*[\s\S]*add --yes/),
  });
  expect(await copyOn(edge, 'gone')).toBe('frozen');

  const done = await say('resolve', migration, '--keep', 'source', '--yes', '-o', 'json');
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({ migration, result: 'rolled-back', kept: 'source' });
  const after = await selfOf(workload);
  expect(after).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
  await tidy('gone', edge);
  expect(await say('resolve', migration)).toMatchObject({ exitCode: 0 });
  await fleet.exec('edge-1', ['godwit', 'rm', 'gone']);
});

test('a lost workload is started anew from its files where a person prefers that', async () => {
  const { workload, before, migration } = await lose('anew', 112);
  const done = await say('resolve', migration, '--keep', 'target', '--yes');
  expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: `migration/${migration}\n` });
  const after = await selfOf(workload);
  expect(after.nonce).not.toBe(before.nonce);
  await tidy('anew', cloud);
  await fleet.exec('cloud-1', ['godwit', 'rm', 'anew']);
});

test('a lost copy can be removed, and the original kept all the same', async () => {
  const { workload, before, migration } = await lose('removed', 113);
  await fleet.exec('cloud-1', ['godwit', 'rm', 'removed']);
  expect(await copyOn(cloud, 'removed')).toBe('none');
  expect(await say('resolve', migration, '--keep', 'target', '--yes')).toMatchObject({ exitCode: 4 });
  expect(await say('resolve', migration, '--keep', 'source', '--yes')).toMatchObject({ exitCode: 0 });
  expect(await selfOf(workload)).toMatchObject({ nonce: before.nonce });
  await tidy('removed', edge);
  await fleet.exec('edge-1', ['godwit', 'rm', 'removed']);
});

test('in doubt: refused without the dead node attested; a target that comes back gives way', async () => {
  const workload = await runWorkload(fleet, { name: 'doubt', node: 'edge-1', host: 114, env: { MIB: '16' } });
  const before = await selfOf(workload);
  const gate = await closeGate(cloud, 'runc *restore*');
  const migration = await orderMove(fleet, { workload: 'doubt', target: 'cloud-1', strategy: 'warm' });
  await gate.reached();
  // the copy will be held, the commit asked; the cut comes when the record has turned
  const turned = fleet.story.until('run', 60_000, ({ id, stage }) => id === migration && stage === 'run');
  const held = await closeGate(cloud, 'ip route replace *');
  await gate.lift();
  await turned;
  await linkCut(fleet.name, { node: 'cloud-1' });
  try {
    await fleet.story.until('doubt', 60_000, ({ id, stage }) => id === migration && stage === 'in-doubt');
    const refused = await say('resolve', migration, '--keep', 'source', '--yes');
    expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/--node-is-dead cloud-1/) });
    expect(await copyOn(edge, 'doubt')).toBe('frozen');
    const given = ['--keep', 'source', '--node-is-dead', 'cloud-1', '--yes'];
    const done = await say('resolve', migration, ...given);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(await copyOn(edge, 'doubt')).toBe('running');
  } finally {
    await linkHeal(fleet.name, { node: 'cloud-1' });
    await held.lift();
  }
  expect(await selfOf(workload)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
  await until('the target to give way', 60_000, async () => (await copyOn(cloud, 'doubt')) === 'none' || undefined);
  expect(await liveOn(fleet.workers, 'doubt')).toEqual(['edge-1']);
});

// the last one: what stands on the edge then is what no dead machine would bring back
test('a held copy runs once its source, which nobody can ask any more, is attested to be dead', async () => {
  const workload = await runWorkload(fleet, { name: 'heir', node: 'edge-1', host: 115, env: { MIB: '16' } });
  const before = await selfOf(workload);
  const gate = await closeGate(cloud, 'runc *restore*');
  const migration = await orderMove(fleet, { workload: 'heir', target: 'cloud-1', strategy: 'warm' });
  await gate.reached();
  await signalService(fleet, 'edge-1', 'migrator', 'STOP');
  await gate.lift();
  await fleet.story.until('doubt', 90_000, ({ id, stage }) => id === migration && stage === 'in-doubt');
  const refused = await say('resolve', migration, '--keep', 'target', '--yes');
  expect(refused).toMatchObject({ exitCode: 4, stderr: expect.stringMatching(/--node-is-dead edge-1/) });
  const { stdout } = await say('resolve', migration, '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ target: { copy: 'held' }, settled: false });
  const done = await say('resolve', migration, '--keep', 'target', '--node-is-dead', 'edge-1', '--yes');
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  expect(await liveOn(fleet.workers, 'heir')).toEqual(['cloud-1']);
  expect(await selfOf(workload)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
  expect(await endOf(fleet, migration)).toMatchObject({ result: 'succeeded' });
});
