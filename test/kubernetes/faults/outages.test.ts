import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { idOf } from '../../../k8s/objects/migration.ts';
import type { Pod } from '../../../k8s/objects/pod.ts';
import { labKill, labServices, labStart } from '../../../lab/lab.ts';
import type { TestFleet } from '../../helpers/fleet.ts';
import { closeGate, type Gate } from '../../helpers/fleet-gates.ts';
import { endOf } from '../../helpers/fleet-moves.ts';
import { killService, serviceOf, untilReady } from '../../helpers/fleet-services.ts';
import { withPodFleet } from '../../helpers/pod-fleet.ts';
import { expectNoTwin, type PodObjects } from '../../helpers/pod-objects.ts';
import { until } from '../../helpers/until.ts';

// What a move needs is away for a while, or is killed in its middle.

const moments = { frozen: ['cloud-1', 'runc *restore*'], committed: ['edge-1', 'nsenter *ss -K*'] } as const;

describe('a move of a pod goes on without', () => {
  let fleet: TestFleet;
  let pods: PodObjects;

  withPodFleet({ gates: true }, (raised) => {
    ({ fleet, pods } = raised);
  });

  async function holdAt(moment: keyof typeof moments): Promise<Gate> {
    const [node, command] = moments[moment];
    const gate = await closeGate(fleet.node(node), command);
    onTestFinished(() => gate.lift());
    return gate;
  }

  /** The one pod of the app; the process is the same as before. */
  async function expectOne(app: string, nonce: string): Promise<Pod> {
    const [left] = await pods.untilPods(app, 1);
    if (!left) throw new Error('no pod');
    expect(await pods.selfOf(left)).toMatchObject({ nonce, checksum: { ok: true } });
    await until('one copy', 60_000, async () => {
      return (await pods.copies(app)).join() === `${left.spec.nodeName} running` || undefined;
    });
    return left;
  }

  const service = async (node: string, name: string) => {
    const found = (await labServices(fleet.name, node)).find((one) => one.name === name && one.running);
    if (!found) throw new Error(`${node} runs no ${name}`);
    return found;
  };

  for (const moment of ['frozen', 'committed'] as const)
    test(`all of Godwit's processes, killed when it is ${moment}`, async () => {
      const app = `kill-${moment}`;
      const pod = await pods.deploy(app);
      const { nonce } = await pods.selfOf(pod);
      const beats = pods.watch(app);
      const gate = await holdAt(moment);
      const migration = await pods.ask(app, pod);
      await gate.reached(60_000);
      await Promise.all([
        killService(fleet, 'hub', 'sidecar'),
        killService(fleet, 'edge-1', 'migrator'),
        killService(fleet, 'cloud-1', 'migrator'),
      ]);
      await gate.lift();
      const { result, reason } = await endOf(fleet, idOf(migration), 150_000);
      console.log(`${moment}: ${result} ${reason ?? ''}`);
      const phases = { succeeded: 'Succeeded', 'rolled-back': 'RolledBack' } as const;
      const phase = phases[result as keyof typeof phases];
      expect(phase).toBeDefined();
      if (moment === 'committed') expect(phase).toBe('Succeeded');
      await pods.untilPhase(app, phase);
      const left = await expectOne(app, nonce);
      expect(left.spec.nodeName).toBe(result === 'succeeded' ? 'cloud-1' : 'edge-1');
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
      await untilReady(fleet);
    });

  /** Started again as whoever keeps it on a node does. */
  async function restartContainerd(node: string): Promise<void> {
    const { pid } = await service(node, 'containerd');
    await labKill(fleet.name, node, pid, { waitMs: 20_000 });
    await labStart(fleet.name, node, ['containerd'], { name: 'containerd' });
  }

  test('containerd, restarted on both nodes when it is frozen: one copy, of the same process', async () => {
    const pod = await pods.deploy('shim');
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch('shim');
    const agents = await Promise.all(fleet.workers.map((one) => serviceOf(one, 'migrator')));
    const gate = await holdAt('frozen');
    const migration = await pods.ask('shim', pod);
    await gate.reached(60_000);
    for (const { name } of fleet.workers) await restartContainerd(name);
    await gate.lift();
    const { result, reason } = await endOf(fleet, idOf(migration), 150_000);
    console.log(`containerd: ${result} ${reason ?? ''}`);
    const left = await expectOne('shim', nonce);
    expect(left.spec.nodeName).toBe(result === 'succeeded' ? 'cloud-1' : 'edge-1');
    const after = await Promise.all(fleet.workers.map((one) => serviceOf(one, 'migrator')));
    expect(after.map((one) => one?.pid)).toEqual(agents.map((one) => one?.pid));
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'shim');
  });

  test('a rival: of two Migrations for one pod one moves it, the other one is refused, and taking that away does nothing', async () => {
    const pod = await pods.deploy('rival');
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch('rival');
    const gate = await holdAt('frozen');
    await Promise.all([pods.ask('rival-a', pod), pods.ask('rival-b', pod)]);
    await gate.reached(60_000);
    const phaseOf = async (object: string) => (await pods.migration(object))?.status?.phase;
    const refused = await until('the one that is refused', 30_000, async () => {
      for (const one of ['rival-a', 'rival-b']) if ((await phaseOf(one)) === 'Refused') return one;
      return undefined;
    });
    const moving = refused === 'rival-a' ? 'rival-b' : 'rival-a';
    expect((await pods.migration(refused))?.status?.reason).toBe(`the pod is being moved by Migration ${moving}`);
    await pods.kubectl('delete', 'migration', refused);
    await pods.ask('rival-c', pod);
    await pods.untilPhase('rival-c', 'Refused');
    await gate.lift();
    await pods.untilPhase(moving, 'Succeeded');
    expect((await expectOne('rival', nonce)).spec.nodeName).toBe('cloud-1');
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'rival');
  });

  test('its Migration, which is deleted when it is frozen: the source runs on', async () => {
    const pod = await pods.deploy('recalled');
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch('recalled');
    const gate = await holdAt('frozen');
    const migration = await pods.ask('recalled', pod);
    await gate.reached(60_000);
    await pods.kubectl('delete', 'migration', 'recalled', '--wait=false');
    await fleet.story.until('the way back', 60_000, ({ id, stage }) => id === idOf(migration) && stage === 'aborting');
    await gate.lift();
    expect(await endOf(fleet, idOf(migration))).toMatchObject({ result: 'rolled-back' });
    await until('the object to go', 30_000, async () => !(await pods.migration('recalled')) || undefined);
    expect((await expectOne('recalled', nonce)).metadata.uid).toBe(pod.metadata.uid);
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'recalled');
  });

  // the last one: for a while afterwards Kubernetes holds nodes for lost, and no pod is moved to such a one
  test('the API server for 60 s: agents end the move meanwhile, controllers hand it over afterwards', async () => {
    const pod = await pods.deploy('api');
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch('api');
    const gate = await holdAt('frozen');
    const migration = await pods.ask('api', pod);
    await gate.reached(60_000);
    const { pid } = await service('hub', 'kube-apiserver');
    await labKill(fleet.name, 'hub', pid, { signal: 'SIGSTOP' });
    try {
      await gate.lift();
      expect(await endOf(fleet, idOf(migration))).toMatchObject({ result: 'succeeded' });
      // longer than the lease, than an answer may take, and than a watch may be silent: the time is what is tested
      await delay(60_000);
      expect(await pods.copies('api')).toEqual(['cloud-1 running']);
    } finally {
      await labKill(fleet.name, 'hub', pid, { signal: 'SIGCONT' });
    }
    const { status } = await pods.untilPhase('api', 'Succeeded', 180_000);
    expect((await expectOne('api', nonce)).metadata.name).toBe(status?.targetPod);
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'api');
  });
});
