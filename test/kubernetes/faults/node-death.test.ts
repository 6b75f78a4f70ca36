import { describe, expect, onTestFinished, test } from 'vitest';
import { idOf, type Migration } from '../../../k8s/objects/migration.ts';
import type { Pod } from '../../../k8s/objects/pod.ts';
import { readInNode, type TestFleet } from '../../helpers/fleet.ts';
import { journalOn } from '../../helpers/fleet-facts.ts';
import { closeGate } from '../../helpers/fleet-gates.ts';
import { signalService, untilReady } from '../../helpers/fleet-services.ts';
import { godwit } from '../../helpers/godwit.ts';
import { cutPower, restorePower } from '../../helpers/node-death.ts';
import { guardsOn } from '../../helpers/pod-facts.ts';
import { withPodFleet } from '../../helpers/pod-fleet.ts';
import { expectNoTwin, type PodObjects } from '../../helpers/pod-objects.ts';
import { until } from '../../helpers/until.ts';

// The target's node loses its power while a pod comes to it: kubelet, containerd, shims, agent and containers are gone at once.

describe('the target node dies', () => {
  let fleet: TestFleet;
  let pods: PodObjects;

  withPodFleet({ gates: true }, (raised) => {
    ({ fleet, pods } = raised);
  });

  /** It comes back, also when the test has failed; whatever it had of the move goes. */
  async function comeBack(app: string): Promise<void> {
    await restorePower(fleet, 'cloud-1');
    await pods.kubectl('wait', '--for=condition=Ready', 'node/cloud-1', '--timeout=90s');
    await untilReady(fleet);
    await until('the source to be the only copy', 60_000, async () => {
      const found = await pods.copies(app);
      if (found.join() === 'edge-1 running') return true;
      throw new Error(found.join());
    });
  }

  const untilUnguarded = (pod: Pod): Promise<true> =>
    until('no guard', 30_000, async () => {
      return !(await guardsOn(fleet.node('edge-1'))).includes(pod.metadata.uid) || undefined;
    });

  test('before the commit: the source runs on, the same process, and nothing of the copy comes back', async () => {
    const pod = await pods.deploy('early');
    const before = await pods.selfOf(pod);
    const beats = pods.watch('early');
    const gate = await closeGate(fleet.node('cloud-1'), 'runc *restore*');
    const began = Date.now();
    await pods.ask('early', pod);
    await gate.reached(60_000);
    await cutPower(fleet, 'cloud-1');
    await gate.lift();
    const { status } = await pods.untilPhase('early', 'RolledBack');
    console.log('rolled back after %i ms: %s', Date.now() - began, status?.reason);
    expect(await pods.selfOf(pod)).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    expect(await pods.copies('early')).toEqual(['edge-1 running']);
    await untilUnguarded(pod);
    const left = await pods.untilPods('early', 1);
    expect(left.map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
    await comeBack('early');
    expect(await pods.selfOf(pod)).toMatchObject({ nonce: before.nonce });
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'early');
  });

  const resolve = (migration: Migration, ...flags: string[]) =>
    godwit(['resolve', idOf(migration), '--keep', 'source', '--yes', ...flags], {
      env: { GODWIT_CONFIG: fleet.config },
    });

  /** A person gives the source the lead back, and the dead node comes back to find that out. */
  async function settle(app: string, pod: Pod, nonce: string, migration: Migration): Promise<void> {
    const careless = await resolve(migration);
    expect(careless).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--node-is-dead cloud-1') });
    expect(await pods.copies(app)).toEqual(['edge-1 frozen']);
    const done = await resolve(migration, '--node-is-dead', 'cloud-1');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    const { status } = await pods.untilPhase(app, 'RolledBack');
    console.log(app, status?.reason);
    expect(status?.reason).toContain('cloud-1 attested to be dead');
    expect(await pods.selfOf(pod)).toMatchObject({ nonce, checksum: { ok: true } });
    await untilUnguarded(pod);
    const left = await pods.untilPods(app, 1);
    expect(left.map(({ metadata }) => metadata.uid)).toEqual([pod.metadata.uid]);
    await comeBack(app);
    expect(await pods.selfOf(pod)).toMatchObject({ nonce });
  }

  test('after the commit, before the copy runs: in doubt, until a person says that it is dead', async () => {
    const pod = await pods.deploy('doubt');
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch('doubt');
    const cloud = fleet.node('cloud-1');
    const gate = await closeGate(cloud, 'runc *restore*');
    const migration = await pods.ask('doubt', pod);
    const id = idOf(migration);
    await gate.reached(60_000);
    // the source can not commit before the target is dead, and its copy is held until then
    await signalService(fleet, 'edge-1', 'migrator', 'STOP');
    try {
      await gate.lift();
      const held = `run/godwit/migrations/${id}/held`;
      await until('a held copy', 30_000, async () => (await readInNode(cloud, held)) !== undefined || undefined);
      await fleet.story.until(
        'the commit to be asked for',
        60_000,
        (event) => event.id === id && event.stage === 'in-doubt',
      );
      await cutPower(fleet, 'cloud-1');
    } finally {
      await signalService(fleet, 'edge-1', 'migrator', 'CONT');
    }
    await until('the commit', 30_000, async () => {
      return (await journalOn(fleet.node('edge-1'), id))?.record === 'committed' || undefined;
    });
    const { status } = await pods.untilPhase('doubt', 'InDoubt');
    expect(status?.reason).toContain('both copies are stopped');
    await settle('doubt', pod, nonce, migration);
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'deployment', 'doubt');
  });

  test('when the copy runs and the source is not released yet: the object says what to do', async () => {
    const pod = await pods.deploy('ran');
    const { nonce } = await pods.selfOf(pod);
    const gate = await closeGate(fleet.node('edge-1'), 'nsenter *ss -K*');
    onTestFinished(() => gate.lift());
    const migration = await pods.ask('ran', pod);
    await gate.reached(60_000);
    await cutPower(fleet, 'cloud-1');
    await gate.lift();
    // Kubernetes takes the node for lost after 40 s
    await until('the object to say so', 120_000, async () => {
      const { conditions = [] } = (await pods.migration('ran'))?.status ?? {};
      const said = conditions.find(({ type }) => type === 'Completed')?.message ?? '';
      return said.includes(`godwit resolve ${idOf(migration)} --keep source --node-is-dead cloud-1`) || undefined;
    });
    await settle('ran', pod, nonce, migration);
    await pods.kubectl('delete', 'deployment', 'ran');
  });
});
