import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { MigrationEvent } from '../../../lib/contract/migration.ts';
import { counterImage, pushCounter } from '../../helpers/counter-image.ts';
import { raiseFleet, type TestFleet } from '../../helpers/fleet.ts';
import { type BeatWatch, beating, twinsIn, watchBeats } from '../../helpers/fleet-beats.ts';
import { pidsIn } from '../../helpers/fleet-facts.ts';
import { closeGate, installGates } from '../../helpers/fleet-gates.ts';
import { stopDaemon } from '../../helpers/fleet-lost.ts';
import { endOf } from '../../helpers/fleet-moves.ts';
import { killService, serviceOf, untilReady } from '../../helpers/fleet-services.ts';
import { edgeAndCloud, pausedPolicy } from '../../helpers/fleet-specs.ts';
import { tell } from '../../helpers/fleet-story.ts';
import { godwit } from '../../helpers/godwit.ts';
import { clusterObstacle } from '../../helpers/kubernetes.ts';
import { type PodSelf, selfOfPod, watchAnswers } from '../../helpers/pod-answers.ts';
import { addressOfPod, guardsOn, logsOfPods, podCopiesOn, rootOfPod } from '../../helpers/pod-facts.ts';
import { type PodController, podController } from '../../helpers/pod-moves.ts';
import { type TestPod, type TestPods, testPods } from '../../helpers/pods.ts';
import { setTrap } from '../../helpers/traps.ts';
import { until } from '../../helpers/until.ts';

const missing = await clusterObstacle();
const sites = { 'edge-1': 'plant', 'cloud-1': 'cloud' };

describe('pods by the OCI runtime that waits', () => {
  let fleet: TestFleet;
  let pods: TestPods;
  let controller: PodController;

  beforeEach((context) => {
    if (missing) context.skip(missing);
  });
  beforeAll(async () => {
    if (missing) return;
    fleet = await raiseFleet({ nodes: edgeAndCloud, policy: pausedPolicy, cluster: true });
    for (const worker of fleet.workers) await installGates(worker);
    await untilReady(fleet);
    await pushCounter(fleet);
    pods = await testPods(fleet.kubeconfig);
    controller = await podController(await fleet.connect('controller'), pods, sites, fleet.log);
  });
  afterAll(async () => {
    if (!fleet) return;
    console.log(await fleet.keepLogs());
    await fleet.down();
  });

  /** A counting pod on the edge node that the agents know. */
  async function runPod(name: string, env: Record<string, string> = {}): Promise<TestPod> {
    const program = { PATH: '/usr/bin:/bin', UV_USE_IO_URING: '0', PORT: '8080', MIB: '32', ...beating, ...env };
    const pod = await pods.create({ name, node: 'edge-1', image: counterImage, env: program, annotations: {} });
    onTestFinished(() => pods.remove(pod));
    await pods.running(pod);
    await controller.declare(pod);
    await controller.reported(pod);
    return pod;
  }

  const node = (pod: TestPod) => fleet.node(pod.node);
  const selfOf = async (pod: TestPod) => selfOfPod(fleet.name, 'hub', (await addressOfPod(node(pod), pod.uid)) ?? '');
  const copies = async (pod: TestPod): Promise<string[]> => {
    const workload = `default.${pod.name.split('-m')[0]}`;
    const found = await Promise.all(
      fleet.workers.map(async (one) => (await podCopiesOn(one, workload)).map((state) => `${one.name} ${state}`)),
    );
    return found.flat();
  };
  const watchBeatsOf = (pod: TestPod): BeatWatch =>
    watchBeats(fleet.workers, pod.name, (root) => logsOfPods(root, pod.name));

  async function expectNoTwin(watch: BeatWatch): Promise<void> {
    await watch.stop();
    expect(watch.beats.length).toBeGreaterThan(10);
    expect(twinsIn(watch.beats)).toEqual([]);
  }

  /** Moves the pod as the controller would; the source's pod is still there afterwards. */
  async function movePod(source: TestPod, target: string): Promise<{ end: MigrationEvent; pod: TestPod }> {
    const prepared = await controller.prepare(source, target);
    onTestFinished(() => pods.remove(prepared.pod));
    await controller.order(source, prepared);
    return { end: await endOf(fleet, prepared.migration), pod: prepared.pod };
  }

  test('a pod goes on in the cloud and comes home: process, memory and files, and the source does not come back', async () => {
    let pod = await runPod('there');
    const beats = watchBeatsOf(pod);
    let before = await selfOf(pod);
    const root = await rootOfPod(node(pod), pod.uid);
    await writeFile(join(root, 'data/note'), 'in a volume');
    await writeFile(join(root, 'app/note'), 'in the container');
    for (const target of ['cloud-1', 'edge-1']) {
      const answers = await watchAnswers(fleet.name, 'hub');
      onTestFinished(() => answers.stop());
      const old = (await addressOfPod(node(pod), pod.uid)) ?? '';
      answers.add(old);
      const prepared = await controller.prepare(pod, target);
      onTestFinished(() => pods.remove(prepared.pod));
      const address = (await addressOfPod(node(prepared.pod), prepared.pod.uid)) ?? '';
      answers.add(address);
      await until('answers of the source', 10_000, () => answers.answers.length > 20 || undefined);
      await controller.order(pod, prepared);
      const end = await endOf(fleet, prepared.migration);
      expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'warm', target });
      await until('answers of the copy', 10_000, () => answers.from(address).length > 20 || undefined);
      answers.stop();
      const { freezeMs = 0, dumpMs = 0, memoryBytes = 0 } = end.measurements ?? {};
      const figures = [freezeMs, dumpMs, answers.longestHole(), memoryBytes / 2 ** 20].map(Math.round);
      console.log(`to ${target}: freeze %i ms, of it dump %i ms; longest hole %i ms; %i MiB`, ...figures);

      const self = await selfOf(prepared.pod);
      expect(self).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      expect(self.counter).toBeGreaterThan(before.counter);
      expect(new Set(answers.answers.map(({ body }) => body.nonce)).size).toBe(1);
      const released = fleet.story.of(end.id).find(({ stage }) => stage === 'release')?.at ?? end.at;
      const late = answers.from(old).filter(({ at }) => at > released);
      expect(late.length, 'answers to those who still turn to the source').toBeGreaterThan(20);
      const rootThere = await rootOfPod(node(prepared.pod), prepared.pod.uid);
      expect(await readFile(join(rootThere, 'data/note'), 'utf8')).toBe('in a volume');
      expect(await readFile(join(rootThere, 'app/note'), 'utf8')).toBe('in the container');
      const source = pod;
      await until('the kubelet to be refused the source', 60_000, async () => {
        const [status] = (await pods.read(source)).status?.containerStatuses ?? [];
        const said = JSON.stringify([status?.state, status?.lastState]);
        return said.includes('moves to another node') || undefined;
      });
      expect(await copies(source)).toEqual([`${target} running`]);
      await pods.remove(source);
      await until('the guard to go with its pod', 60_000, async () => {
        return !(await guardsOn(node(source))).includes(source.uid) || undefined;
      });
      pod = prepared.pod;
      await controller.declare(pod);
      await controller.reported(pod);
      before = self;
    }
    await expectNoTwin(beats);
  });

  test('a move without memory starts the pod anew there', async () => {
    const pod = await runPod('anew');
    const beats = watchBeatsOf(pod);
    const before = await selfOf(pod);
    const prepared = await controller.prepare(pod, 'cloud-1');
    onTestFinished(() => pods.remove(prepared.pod));
    await controller.order(pod, prepared, { strategy: 'restart' });
    const end = await endOf(fleet, prepared.migration);
    expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'restart' });
    expect((await selfOf(prepared.pod)).nonce).not.toBe(before.nonce);
    expect(await copies(pod)).toEqual(['cloud-1 running']);
    await expectNoTwin(beats);
  });

  test('a cold move takes what was written along, in the container and in its volume, and starts the pod anew there', async () => {
    const pod = await runPod('cold');
    const beats = watchBeatsOf(pod);
    const before = await selfOf(pod);
    const root = await rootOfPod(node(pod), pod.uid);
    await writeFile(join(root, 'data/note'), 'in a volume');
    await writeFile(join(root, 'app/note'), 'in the container');
    const prepared = await controller.prepare(pod, 'cloud-1');
    onTestFinished(() => pods.remove(prepared.pod));
    await controller.order(pod, prepared, { strategy: 'cold' });
    const end = await endOf(fleet, prepared.migration);
    expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', strategy: 'cold' });
    expect((await selfOf(prepared.pod)).nonce).not.toBe(before.nonce);
    const rootThere = await rootOfPod(node(prepared.pod), prepared.pod.uid);
    expect(await readFile(join(rootThere, 'data/note'), 'utf8')).toBe('in a volume');
    expect(await readFile(join(rootThere, 'app/note'), 'utf8')).toBe('in the container');
    expect(await copies(pod)).toEqual(['cloud-1 running']);
    await expectNoTwin(beats);
  });

  test('a cold move that can not be finished lets the very process go on', async () => {
    const pod = await runPod('thawed');
    const before = await selfOf(pod);
    await writeFile(join(await rootOfPod(node(pod), pod.uid), 'data/note'), 'in a volume');
    const prepared = await controller.prepare(pod, 'cloud-1');
    onTestFinished(() => pods.remove(prepared.pod));
    const [waiting] = await pidsIn(fleet.node('cloud-1'), /godwit-runtime .* create/);
    const there = `[ -e /var/lib/kubelet/pods/${prepared.pod.uid}/volumes/kubernetes.io~empty-dir/data/note ]`;
    const trap = await setTrap(fleet.name, 'cloud-1', Number(waiting), there);
    onTestFinished(() => trap.disarm());
    await controller.order(pod, prepared, { strategy: 'cold' });
    await trap.struck;
    const end = await endOf(fleet, prepared.migration);
    console.log(tell(fleet.story.of(end.id)));
    expect(['rolled-back', 'refused']).toContain(end.result);
    expect(await selfOf(pod)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await copies(pod)).toEqual(['edge-1 running']);
    await until('no guard', 20_000, async () => !(await guardsOn(fleet.node('edge-1'))).includes(pod.uid) || undefined);
  });

  test('a moved pod that dies later is started again by its kubelet, though no agent is there', async () => {
    const pod = await runPod('again');
    const { end, pod: moved } = await movePod(pod, 'cloud-1');
    expect(end).toMatchObject({ result: 'succeeded' });
    await until('the arrival to be marked', 20_000, async () => {
      const { stdout = '' } = { stdout: await fleet.exec('cloud-1', ['ls', '/var/lib/godwit/arrived']) };
      return stdout.includes(moved.uid) || undefined;
    });
    const before = await selfOf(moved);
    const [supervisor] = await pidsIn(fleet.node('cloud-1'), /cli\/main\.ts agent|godwit agent/);
    expect(supervisor).toBeDefined();
    await fleet.exec('cloud-1', ['kill', '-STOP', supervisor ?? '']);
    try {
      await killService(fleet, 'cloud-1', 'migrator');
      const [init] = await pidsIn(fleet.node('cloud-1'), /^\/usr\/bin\/node \/app\/main\.mjs/);
      await fleet.exec('cloud-1', ['kill', '-KILL', init ?? '']);
      const after = await until('another process', 60_000, async () => {
        const self = await selfOf(moved);
        return self.nonce !== before.nonce ? self : undefined;
      });
      expect(after.checksum.ok).toBe(true);
    } finally {
      await fleet.exec('cloud-1', ['kill', '-CONT', supervisor ?? '']);
    }
    await untilReady(fleet);
  });

  test('without a pod that waits nothing is stopped; one whose pod is deleted waits no more', async () => {
    const pod = await runPod('refused');
    const beats = watchBeatsOf(pod);
    const before = await selfOf(pod);
    const prepared = await controller.prepare(pod, 'cloud-1');
    await pods.remove(prepared.pod);
    await until('nobody to wait', 60_000, async () => {
      return (await controller.record('cloud-1'))?.inbound?.length === 0 || undefined;
    });
    await controller.order(pod, prepared);
    const end = await endOf(fleet, prepared.migration);
    expect(end).toMatchObject({ result: 'refused', reason: expect.stringContaining('no pod waits on cloud-1') });
    expect(await selfOf(pod)).toMatchObject({ nonce: before.nonce });
    expect(await copies(pod)).toEqual(['edge-1 running']);
    expect(await guardsOn(fleet.node('edge-1'))).not.toContain(pod.uid);
    await expectNoTwin(beats);
  });

  test('a copy whose container is lost before the commit is rolled back: the source runs on, unguarded', async () => {
    const pod = await runPod('back');
    const beats = watchBeatsOf(pod);
    const before = await selfOf(pod);
    const prepared = await controller.prepare(pod, 'cloud-1');
    onTestFinished(() => pods.remove(prepared.pod));
    const [waiting] = await pidsIn(fleet.node('cloud-1'), /godwit-runtime .* create/);
    const pages = `ls /run/godwit/migrations/${prepared.migration}/images/pages-*.img >/dev/null 2>&1`;
    const trap = await setTrap(fleet.name, 'cloud-1', Number(waiting), pages);
    onTestFinished(() => trap.disarm());
    await controller.order(pod, prepared);
    await trap.struck;
    const end = await endOf(fleet, prepared.migration);
    expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'rolled-back' });
    expect(await selfOf(pod)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await copies(pod)).toEqual(['edge-1 running']);
    await until('no guard', 20_000, async () => !(await guardsOn(fleet.node('edge-1'))).includes(pod.uid) || undefined);
    await expectNoTwin(beats);
  });

  test('a large pod comes lazily, and whole', async () => {
    const pod = await runPod('large', { MIB: '160' });
    const before = await selfOf(pod);
    const { end, pod: moved } = await movePod(pod, 'cloud-1');
    expect(end, tell(fleet.story.of(end.id))).toMatchObject({ result: 'succeeded', measurements: { lazy: true } });
    const { freezeMs = 0, dumpMs = 0, drainMs = 0, memoryBytes = 0 } = end.measurements ?? {};
    const figures = [freezeMs, dumpMs, drainMs, memoryBytes / 2 ** 20].map(Math.round);
    console.log('lazily: freeze %i ms, of it dump %i ms; drain %i ms; %i MiB', ...figures);
    expect(await selfOf(moved)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await copies(pod)).toEqual(['cloud-1 running']);
  });

  /** A lazy move whose page daemon is killed while pages are still to come. */
  async function lose(name: string): Promise<{ pod: TestPod; lost: TestPod; before: PodSelf; migration: string }> {
    const pod = await runPod(name, { MIB: '160' });
    const before = await selfOf(pod);
    const prepared = await controller.prepare(pod, 'cloud-1');
    onTestFinished(() => pods.remove(prepared.pod));
    const gate = await closeGate(fleet.node('cloud-1'), 'runc *restore*');
    await controller.order(pod, prepared);
    await gate.reached(60_000);
    const { migration } = prepared;
    const daemon = await stopDaemon(fleet, gate, migration);
    await fleet.story.until('the copy to run', 60_000, ({ id, stage }) => id === migration && stage === 'switch');
    await fleet.exec('cloud-1', ['kill', '-KILL', daemon]);
    expect(await endOf(fleet, migration)).toMatchObject({ result: 'lost' });
    await until('the lost copy to stand still', 10_000, async () => {
      return !(await copies(pod)).includes('cloud-1 running') || undefined;
    });
    expect(await copies(pod)).toContain('edge-1 frozen');
    return { pod, lost: prepared.pod, before, migration };
  }
  const resolve = (migration: string, keep: 'source' | 'target') =>
    godwit(['resolve', migration, '--keep', keep, '--yes'], { env: { GODWIT_CONFIG: fleet.config } });

  test('a lost copy stands still, and gives way to the original', async () => {
    const { pod, before, migration } = await lose('gone');
    const done = await resolve(migration, 'source');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(await selfOf(pod)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await copies(pod)).toEqual(['edge-1 running']);
  });

  test('a lost workload is started anew by its kubelet where a person prefers that', async () => {
    const { pod, lost, before, migration } = await lose('renewed');
    const done = await resolve(migration, 'target');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    await until('the pod to run anew', 60_000, async () => {
      return (await copies(pod)).join() === 'cloud-1 running' || undefined;
    });
    expect((await selfOf(lost)).nonce).not.toBe(before.nonce);
  });

  const journal = (migration: string): string => `/var/lib/godwit/migrations/${migration}.json`;
  const place = (migration: string): string => `/run/godwit/migrations/${migration}`;
  const moments: [where: string, moment: string, condition: (migration: string) => string][] = [
    ['edge-1', 'frozen', (id) => `grep -qs '"record":"open"' ${journal(id)}`],
    ['edge-1', 'committed', (id) => `grep -qs '"record":"committed"' ${journal(id)}`],
    ['cloud-1', 'receiving', (id) => `ls ${place(id)}/images/pages-*.img >/dev/null 2>&1`],
    ['cloud-1', 'restoring', (id) => `[ -e ${place(id)}/jobs/restore.pid ]`],
    ['cloud-1', 'held', (id) => `[ -e ${place(id)}/held ]`],
    ['cloud-1', 'running', (id) => `[ -e ${place(id)}/jobs/restore.status ]`],
  ];
  for (const [where, moment, condition] of moments)
    test(`kill -9 of the agent on ${where} when the copy is ${moment} ends with one copy of the same process`, async () => {
      const pod = await runPod(`kill-${moment}`);
      const beats = watchBeatsOf(pod);
      const before = await selfOf(pod);
      const prepared = await controller.prepare(pod, 'cloud-1');
      onTestFinished(() => pods.remove(prepared.pod));
      const agent = await serviceOf(fleet.node(where), 'migrator');
      const trap = await setTrap(fleet.name, where, agent?.pid ?? 0, condition(prepared.migration));
      onTestFinished(() => trap.disarm());
      await controller.order(pod, prepared);
      await trap.struck;
      const end = await endOf(fleet, prepared.migration, 120_000);
      console.log(`${where} ${moment}: ${end.result} ${end.reason ?? ''}`);
      const winner = end.result === 'succeeded' ? prepared.pod : pod;
      expect(['succeeded', 'rolled-back', 'refused'], tell(fleet.story.of(end.id))).toContain(end.result);
      expect(await selfOf(winner)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      await until('one copy', 30_000, async () => {
        return (await copies(pod)).join() === `${winner.node} running` || undefined;
      });
      await expectNoTwin(beats);
    });
});
