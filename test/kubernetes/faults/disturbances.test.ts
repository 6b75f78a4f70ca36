import { describe, expect, onTestFinished, test } from 'vitest';
import { idOf, type Migration } from '../../../k8s/objects/migration.ts';
import type { Pod } from '../../../k8s/objects/pod.ts';
import type { TestFleet } from '../../helpers/fleet.ts';
import { closeGate } from '../../helpers/fleet-gates.ts';
import { sagaOf } from '../../helpers/fleet-moves.ts';
import { withPodFleet } from '../../helpers/pod-fleet.ts';
import { expectNoTwin, type PodObjects } from '../../helpers/pod-objects.ts';
import { until } from '../../helpers/until.ts';

// What people and Kubernetes' own controllers do to a pod while it moves, by Migration objects, with real agents.

/** Where the move stands still while it is disturbed: a program that a node is about to start. */
const moments = {
  /** Nothing is stopped yet. */
  preparing: ['edge-1', 'runc *checkpoint*'],
  /** The source is stopped, its memory on the way. */
  frozen: ['cloud-1', 'runc *restore*'],
  /** The copy runs, the source is not released. */
  committed: ['edge-1', 'nsenter *ss -K*'],
} as const;
type Moment = keyof typeof moments;

describe('a pod that is disturbed while it moves', () => {
  let fleet: TestFleet;
  let pods: PodObjects;

  withPodFleet({ gates: true }, (raised) => {
    ({ fleet, pods } = raised);
  });

  interface Held {
    migration: Migration;
    goOn(): Promise<void>;
  }

  /** Begins the move of the pod, and holds it at that moment until `goOn`. */
  async function moveUntil(moment: Moment, object: string, pod: Pod): Promise<Held> {
    const [node, command] = moments[moment];
    const gate = await closeGate(fleet.node(node), command);
    onTestFinished(() => gate.lift());
    const migration = await pods.ask(object, pod);
    await gate.reached(60_000);
    return { migration, goOn: () => gate.lift() };
  }

  const untilEnded = (object: string): Promise<Migration> =>
    until(`the end of ${object}`, 90_000, async () => {
      const found = await pods.migration(object);
      const done = found?.status?.conditions?.some(({ type, status }) => type === 'Completed' && status === 'True');
      if (done) return found;
      throw new Error(JSON.stringify(found?.status));
    });

  /** Copies are what the cluster has pods for, in the end. */
  const untilCopies = (app: string, count: number): Promise<string[]> =>
    until(`${count} running copies of ${app}`, 60_000, async () => {
      const found = await pods.copies(app);
      if (found.length === count && found.every((one) => one.endsWith(' running'))) return found;
      throw new Error(found.join());
    });

  /** The API server has been told, whatever its node makes of it. */
  const untilDeleted = (pod: Pod): Promise<unknown> =>
    until(`${pod.metadata.name} to be deleted`, 30_000, async () => {
      const found = (await pods.podsOf(pod.metadata.labels?.app ?? '')).find(
        ({ metadata }) => metadata.uid === pod.metadata.uid,
      );
      return !found || found.metadata.deletionTimestamp !== undefined || undefined;
    });

  async function untilNone(app: string): Promise<void> {
    await until(`no pod of ${app}`, 60_000, async () => (await pods.podsOf(app)).length === 0 || undefined);
    await until(`no copy of ${app}`, 60_000, async () => (await pods.copies(app)).length === 0 || undefined);
  }

  for (const moment of ['preparing', 'frozen', 'committed'] as const) {
    test(`${moment}: a rolling update of its Deployment leaves one pod, of the new template`, async () => {
      const app = `update-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('set', 'env', `deployment/${app}`, 'VERSION=2');
      await until('a pod of the new template', 30_000, async () => (await pods.podsOf(app)).length > 2 || undefined);
      await goOn();
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      const [left] = await pods.untilPods(app, 1);
      expect(JSON.stringify(left?.spec.containers)).toContain('VERSION');
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
    });
  }

  for (const moment of ['frozen', 'committed'] as const) {
    test(`${moment}: scaled to none, none is left`, async () => {
      const app = `none-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('scale', `deployment/${app}`, '--replicas=0');
      await untilDeleted(pod);
      await goOn();
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      await untilNone(app);
      await expectNoTwin(beats);
    });

    test(`${moment}: scaled to three and back to one, one is left`, async () => {
      const app = `scale-${moment}`;
      const pod = await pods.deploy(app);
      const before = await pods.selfOf(pod);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('scale', `deployment/${app}`, '--replicas=3');
      await until('more pods', 30_000, async () => (await pods.podsOf(app)).length >= 4 || undefined);
      await goOn();
      const { status } = await untilEnded(app);
      expect(status).toMatchObject({ phase: 'Succeeded' });
      const three = await pods.untilPods(app, 3);
      await untilCopies(app, 3);
      const moved = three.find(({ metadata }) => metadata.name === status?.targetPod);
      expect(moved && (await pods.selfOf(moved))).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      await pods.kubectl('scale', `deployment/${app}`, '--replicas=1');
      await pods.untilPods(app, 1);
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
    });

    test(`${moment}: its Deployment is deleted, and nothing is left`, async () => {
      const app = `owner-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('delete', 'deployment', app, '--wait=false');
      await untilDeleted(pod);
      await goOn();
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      await untilNone(app);
      await expectNoTwin(beats);
    });

    test(`${moment}: its ReplicaSet is deleted and leaves its pods alone, and so the pod goes on`, async () => {
      const app = `orphan-${moment}`;
      const pod = await pods.deploy(app);
      const before = await pods.selfOf(pod);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('delete', 'deployment', app, '--cascade=orphan');
      await pods.kubectl('delete', 'replicaset', `--selector=app=${app}`, '--cascade=orphan');
      await goOn();
      const { status } = await untilEnded(app);
      expect(status).toMatchObject({ phase: 'Succeeded' });
      const [left] = await pods.untilPods(app, 1);
      expect(left && (await pods.selfOf(left))).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'pod', left?.metadata.name ?? '');
    });
  }

  for (const moment of ['preparing', 'frozen'] as const)
    test(`${moment}: a pod of nobody that is deleted is gone`, async () => {
      const app = `gone-${moment}`;
      const pod = await pods.bare(app);
      const beats = pods.watch(app);
      const { migration, goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('delete', 'pod', app, '--wait=false');
      await until('the driver to be told, or to have seen it', 30_000, async () => {
        const saga = await sagaOf(fleet, idOf(migration));
        return saga?.cancelRequested || saga?.direction !== 'forward' || undefined;
      });
      await goOn();
      const { status } = await untilEnded(app);
      expect(status).toMatchObject({ reason: expect.stringContaining('was deleted') });
      expect(['Refused', 'RolledBack']).toContain(status?.phase);
      await untilNone(app);
      await expectNoTwin(beats);
    });

  test('committed: a pod of nobody that is deleted lives on in its copy', async () => {
    const pod = await pods.bare('late');
    const before = await pods.selfOf(pod);
    const beats = pods.watch('late');
    const { goOn } = await moveUntil('committed', 'late', pod);
    await pods.kubectl('delete', 'pod', 'late', '--wait=false');
    await untilDeleted(pod);
    await goOn();
    const { status } = await untilEnded('late');
    expect(status).toMatchObject({ phase: 'Succeeded' });
    const [left] = await pods.untilPods('late', 1);
    expect(left?.metadata.name).toBe(status?.targetPod);
    expect(left && (await pods.selfOf(left))).toMatchObject({ nonce: before.nonce, checksum: { ok: true } });
    await untilCopies('late', 1);
    await expectNoTwin(beats);
    await pods.kubectl('delete', 'pod', left?.metadata.name ?? '');
  });

  for (const moment of ['preparing', 'frozen', 'committed'] as const) {
    test(`${moment}: a pod of a Deployment that is deleted by a person is replaced by one`, async () => {
      const app = `person-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      await pods.kubectl('delete', 'pod', pod.metadata.name, '--wait=false');
      await untilDeleted(pod);
      await goOn();
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      await pods.untilPods(app, 1);
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
    });

    test(`${moment}: its copy's pod is deleted by a person`, async () => {
      const app = `copy-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      const target = (await pods.migration(app))?.status?.targetPod ?? '';
      expect(target).not.toBe('');
      await pods.kubectl('delete', 'pod', target, '--wait=false');
      await goOn();
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      await pods.untilPods(app, 1);
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
    });
  }

  for (const moment of ['frozen', 'committed'] as const)
    test(`${moment}: its node is drained`, async () => {
      const app = `drain-${moment}`;
      const pod = await pods.deploy(app);
      const beats = pods.watch(app);
      const { goOn } = await moveUntil(moment, app, pod);
      const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=90s'];
      const drained = pods.kubectl('drain', 'edge-1', ...flags);
      onTestFinished(() => pods.kubectl('uncordon', 'edge-1').then(() => undefined));
      await untilDeleted(pod);
      await goOn();
      await drained;
      const { status } = await untilEnded(app);
      console.log(app, status?.phase, status?.reason);
      const [left] = await pods.untilPods(app, 1);
      expect(left?.spec.nodeName).toBe('cloud-1');
      await untilCopies(app, 1);
      await expectNoTwin(beats);
      await pods.kubectl('delete', 'deployment', app);
    });
});
