import { readdir, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { linkCut, linkHeal } from '../../lab/lab.ts';
import type { FleetNode } from '../helpers/fleet.ts';
import type { BeatWatch } from '../helpers/fleet-beats.ts';
import { filler, journalOn, pidsIn } from '../helpers/fleet-facts.ts';
import { sagaOf } from '../helpers/fleet-moves.ts';
import { killService, type ServiceName } from '../helpers/fleet-services.ts';
import { until } from '../helpers/until.ts';
import { askAgent, expectRefusal, sendCommand, untilCommandsAreTaken } from './commands.ts';
import { pause, type Scene } from './scene.ts';

type Strike = (scene: Scene) => Promise<void>;
type Place = 'source' | 'target' | 'driver' | 'hub';

const nodeAt = ({ fleet, ...scene }: Scene, place: Place): FleetNode =>
  place === 'hub' ? fleet.node('hub') : scene[place];

/** kill -9 of a service; its supervisor starts it again. */
export const kill =
  (service: ServiceName, place: Place): Strike =>
  (scene) =>
    killService(scene.fleet, nodeAt(scene, place).name, service);

/** Nothing passes between the edge and the rest any more, and nobody is told. */
export const cutLink: Strike = async ({ fleet, source, onExit }) => {
  await linkCut(fleet.name, { node: source.name });
  onExit(() => linkHeal(fleet.name, { node: source.name }));
};

/** The link comes back once the workload has shown that it lives on the edge, or in the cloud, in spite of the cut. */
export const healWhenAlive =
  (place: 'source' | 'target') =>
  async (scene: Scene, watch: BeatWatch): Promise<void> => {
    const { fleet, source } = scene;
    const from = Date.now();
    await until(`a sign of life from the ${place} while the link is cut`, 120_000, () => {
      const seen = watch.since(from).filter(({ node }) => node === scene[place].name);
      return seen.length > 0 || undefined;
    });
    await linkHeal(fleet.name, { node: source.name });
  };

/** The link comes back once the driver has told that it does not know what holds. */
export async function healWhenInDoubt(scene: Scene, watch: BeatWatch): Promise<void> {
  const { fleet, source, migration } = scene;
  await fleet.story.until('in-doubt', 30_000, ({ id, stage }) => id === migration && stage === 'in-doubt');
  const silent = watch.since(Date.now() - 500);
  if (silent.length > 0) throw new Error(`in doubt, and a copy runs on ${silent[0]?.node}`);
  await linkHeal(fleet.name, { node: source.name });
}

/** The link comes back once the driver has given the move up; the workload has never stopped for longer than a heartbeat. */
export async function healWhenGivenUp(scene: Scene, watch: BeatWatch): Promise<void> {
  await givenUp(scene);
  if (watch.since(Date.now() - 2000).length === 0) throw new Error('the workload stands still');
  await linkHeal(scene.fleet.name, { node: scene.source.name });
}

/** The driver has given the move up; the source, which went on with what it was asked, gives it up by itself. */
export async function healWhenBothGaveUp(scene: Scene, watch: BeatWatch): Promise<void> {
  await givenUp(scene);
  await healWhenAlive('source')(scene, watch);
}

async function givenUp({ fleet, migration }: Scene): Promise<void> {
  const stages = ['aborting', 'ended'];
  await fleet.story.until(
    'the driver to give up',
    60_000,
    ({ id, stage }) => id === migration && stages.includes(stage),
  );
}

/** Leaves no room for one more page in the target's memory file system. */
export const fillTarget: Strike = async ({ fleet, target, onExit }) => {
  const folder = '/run/godwit/migrations';
  const space = () => statfs(join(target.root, folder));
  const { blocks, bsize } = await space();
  const resize = (bytes: number): Promise<string> =>
    fleet.exec(target.name, ['mount', '-o', `remount,size=${bytes}`, folder]);
  onExit(async () => {
    await resize(blocks * bsize);
    await fleet.exec(target.name, ['rm', '-f', `${folder}/${filler}`]);
  });
  // with room for the pages that arrive meanwhile, which may be too little for one attempt; the rest is filled
  await until('the file system to shrink', 10_000, async () => {
    const { blocks: all, bavail } = await space();
    return resize((all - bavail) * bsize + (2 << 20)).then(
      () => true,
      () => undefined,
    );
  });
  await fleet.exec(target.name, ['/bin/sh', '-c', `! dd if=/dev/zero of=${folder}/${filler} bs=4k status=none 2>&1`]);
};

/** One image of the checkpoint is cut short. */
export const breakImage: Strike = async ({ target, migration }) => {
  const folder = join(target.root, 'run/godwit/migrations', migration, 'images');
  const core = (await readdir(folder)).find((name) => name.startsWith('core-'));
  if (!core) throw new Error('no image to break');
  await truncate(join(folder, core), 40);
};

/** The target's CRIU can not be executed any more. */
export const loseCriu: Strike = async ({ fleet, target, onExit }) => {
  await fleet.exec(target.name, ['mv', '/usr/sbin/criu', '/usr/sbin/criu.away']);
  onExit(() => fleet.exec(target.name, ['mv', '/usr/sbin/criu.away', '/usr/sbin/criu']));
};

/** Sends a signal to the processes of a node whose command line fits, once there is one. */
async function signalProcesses({ fleet }: Scene, node: FleetNode, command: RegExp, signal: string): Promise<void> {
  const pids = await until(`${command} on ${node.name}`, 10_000, async () => {
    const found = await pidsIn(node, command);
    return found.length > 0 ? found : undefined;
  });
  await fleet.exec(node.name, ['kill', `-${signal}`, ...pids]);
}

/** A program that stands still for ever: CRIU in the source's dump, or what takes the pages at the target. */
export const hangDump: Strike = (scene) => signalProcesses(scene, scene.source, /^criu: dump/, 'STOP');
export const hangPageServer: Strike = (scene) => signalProcesses(scene, scene.target, /godwit-pages receive/, 'STOP');

/** CRIU's connection breaks under it while it has the workload in its hands. */
export const killPageSender: Strike = (scene) => signalProcesses(scene, scene.source, /godwit-pages send/, 'KILL');

/** The copy that is held at the target dies before it is let go. */
export const killHeldCopy: Strike = (scene) => signalProcesses(scene, scene.target, /^criu: restore/, 'KILL');

/**
 * The driver stands still until another has taken its migration over. Then it goes on as if nothing had been, and what it had said
 * before comes late: the source has to refuse it.
 */
export const stallDriver: Strike = async (scene) => {
  const { fleet, source, driver, migration } = scene;
  const go = await pause(scene, driver);
  await until('the source to be asked by another driver', 60_000, async () => {
    const journal = await journalOn(source, migration);
    return (journal?.term ?? 0) > 1 || undefined;
  });
  const { epoch } = (await sagaOf(fleet, migration))?.command ?? { epoch: 0 };
  const late = {
    migration,
    epoch,
    term: 1,
    deadlineAt: Date.now() + 5000,
    reason: 'a late message of the first driver',
  };
  expectRefusal(await askAgent(fleet, source.name, 'abort', late), 'E_STALE');
  await go();
};

/** A driver's `abort`, long on its way, reaches the source when its record is committed: only an attestation may thaw it. */
export const abortLate: Strike = async ({ fleet, source, migration }) => {
  const saga = await sagaOf(fleet, migration);
  const header = { migration, epoch: saga?.command.epoch, term: saga?.term, deadlineAt: Date.now() + 5000 };
  const reply = await askAgent(fleet, source.name, 'abort', { ...header, reason: 'a late message' });
  const { record, running } = reply.ok ? (reply.result as { record?: string; running?: boolean }) : {};
  if (record !== 'committed' || running)
    throw new Error(`a committed source was asked to abort: ${JSON.stringify(reply)}`);
};

/** The same command stands in the stream once more, under another message id. */
export const repeatCommand: Strike = async ({ fleet, source, migration }) => {
  const saga = await sagaOf(fleet, migration);
  if (!saga) throw new Error('no saga to repeat');
  await sendCommand(fleet, source.site, saga.command);
  await untilCommandsAreTaken(fleet, 1);
};
