import { describe, expect, onTestFinished, test } from 'vitest';
import { idOf } from '../../../k8s/objects/migration.ts';
import type { Pod } from '../../../k8s/objects/pod.ts';
import { untilNoCheckpoints } from '../../helpers/checkpoints-left.ts';
import type { TestFleet } from '../../helpers/fleet.ts';
import { twinsIn, withoutCopies } from '../../helpers/fleet-beats.ts';
import { closeGate } from '../../helpers/fleet-gates.ts';
import { endOf } from '../../helpers/fleet-moves.ts';
import { killService, untilReady } from '../../helpers/fleet-services.ts';
import { withPodFleet } from '../../helpers/pod-fleet.ts';
import type { PodObjects } from '../../helpers/pod-objects.ts';
import { setTrap } from '../../helpers/traps.ts';
import { until } from '../../helpers/until.ts';

// A pod moves as an image, and who carries it is killed in the middle, as by kill -9: there is one live copy, of the same process.

/** Where the move stands still meanwhile: a program that a node is about to start. */
const moments = {
  freeze: ['edge-1', 'ctr *tasks pause *'],
  /** The kubelet's checkpoint is under way. */
  transfer: ['edge-1', 'runc *checkpoint*'],
  /** The target's containerd has pulled the image. */
  restore: ['cloud-1', 'runc *restore*'],
  /** The copy runs. */
  commit: ['edge-1', 'nsenter *ss -K*'],
} as const;
type Moment = keyof typeof moments;

/** CRIU has the file of the memory open, and its own code in the process. */
const memoryIsDumped = 'ls -l /proc/$(pgrep -nx criu)/fd 2>/dev/null | grep -q pages-';

describe('a pod that moves as an image outlives', () => {
  let fleet: TestFleet;
  let pods: PodObjects;

  withPodFleet({ gates: true }, (raised) => {
    ({ fleet, pods } = raised);
  });

  /** Moves a pod, and has `harm` done at that moment; what has to hold afterwards holds whatever comes of the move. */
  async function moveHarmed(app: string, moment: Moment, harm: () => Promise<void>): Promise<string> {
    const pod = await pods.deploy(app, { runtimeClassName: undefined });
    const { nonce } = await pods.selfOf(pod);
    const beats = pods.watch(app);
    const [node, command] = moments[moment];
    const gate = await closeGate(fleet.node(node), command);
    onTestFinished(() => gate.lift());
    const migration = await pods.ask(app, pod);
    await gate.reached(120_000);
    await harm();
    await gate.lift();
    const { result = '', reason } = await endOf(fleet, idOf(migration), 240_000);
    console.log(`${app}: ${result} ${reason ?? ''}`);
    const succeeded = result === 'succeeded';
    const { status } = await pods.untilPhase(app, succeeded ? 'Succeeded' : 'RolledBack');
    expect(status?.path).toBe('image');
    if (!succeeded) expect(reason).toMatch(/\w/);
    const left = await expectOne(app, succeeded ? 'cloud-1' : 'edge-1');
    expect(left.metadata.name).toBe(succeeded ? status?.targetPod : pod.metadata.name);
    expect(await pods.selfOf(left)).toMatchObject({ nonce, checksum: { ok: true } });
    await untilNoCheckpoints(fleet.name, fleet.lab.nodes);
    await beats.stop();
    expect(new Set(beats.beats.map(({ life }) => life)).size).toBe(1);
    expect(twinsIn(withoutCopies(beats.beats))).toEqual([]);
    await pods.kubectl('delete', 'deployment', app);
    await untilReady(fleet);
    return result;
  }

  async function expectOne(app: string, node: string): Promise<Pod> {
    const [left] = await pods.untilPods(app, 1);
    if (!left) throw new Error('no pod');
    expect(left.spec.nodeName).toBe(node);
    await until('one copy', 60_000, async () => (await pods.copies(app)).join() === `${node} running` || undefined);
    return left;
  }

  test.each([
    ['source', 'freeze'],
    ['target', 'freeze'],
    ['source', 'transfer'],
    ['target', 'transfer'],
    ['target', 'restore'],
  ] as const)("the %s's agent, killed at %s", async (side, moment) => {
    const node = side === 'source' ? 'edge-1' : 'cloud-1';
    await moveHarmed(`${side}-${moment}`, moment, () => killService(fleet, node, 'migrator'));
  });

  test.each([
    ['source', 'edge-1'],
    ['target', 'cloud-1'],
  ])("the %s's agent, killed when it is committed: the copy stays", async (side, node) => {
    const result = await moveHarmed(`${side}-commit`, 'commit', () => killService(fleet, node, 'migrator'));
    expect(result).toBe('succeeded');
  });

  test('godwit-image, killed while CRIU dumps the memory: the pod runs on', async () => {
    const struck = Promise.withResolvers<void>();
    const arm = async (): Promise<void> => {
      const pid = Number((await fleet.exec('edge-1', ['pgrep', '-x', 'godwit-image'])).trim());
      const trap = await setTrap(fleet.name, 'edge-1', pid, memoryIsDumped);
      onTestFinished(trap.disarm);
      trap.struck.then(struck.resolve, struck.reject);
    };
    expect(await moveHarmed('program-dump', 'transfer', arm)).toBe('rolled-back');
    await struck.promise;
  });

  test('godwit-image, killed while the kubelet makes the checkpoint: the pod runs on', async () => {
    const kill = async (): Promise<void> => void (await fleet.exec('edge-1', ['pkill', '-KILL', '-x', 'godwit-image']));
    expect(await moveHarmed('program-transfer', 'transfer', kill)).toBe('rolled-back');
  });
});
