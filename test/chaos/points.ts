import type { Strategy } from '../../lib/contract/names.ts';
import { makeGate, orderWithDriver, pagesUnderWay, pause, type Scene, slowLink } from './scene.ts';

/** Points of a migration at which it can be held. */
export type Point =
  | 'prepare'
  | 'freeze'
  | 'ready'
  | 'dump'
  | 'transfer'
  | 'restore'
  | 'commit'
  | 'run'
  | 'switch'
  | 'release'
  | 'clean';

/** Brings a migration to the point, and answers how to let it go on. */
type Reach = (scene: Scene, order: () => Promise<void>) => Promise<() => Promise<unknown>>;

/** Held where a program that the step needs is about to start. */
const atProgram =
  (role: 'source' | 'target', ...patterns: string[]): Reach =>
  async (scene, order) => {
    const gate = await makeGate(scene, scene[role], ...patterns);
    await order();
    await gate.reached();
    return gate.lift;
  };

/** Warm: CRIU's restore. Cold: a new container. */
const restoring = ['runc *restore*', 'runc *create*'];

const slowBytesPerSecond = 4 << 20;

/** Memory is on its way, slowly. */
const amidPages: Reach = async (scene, order) => {
  const fast = await slowLink(scene, slowBytesPerSecond);
  await order();
  await pagesUnderWay(scene, 2 << 20);
  return fast;
};

/** The copy is held and the source's record open: its agent is asked to commit and has not answered. */
const atCommit: Reach = async (scene, order) => {
  const { fleet, source, target } = scene;
  const gate = await makeGate(scene, target, ...restoring);
  await order();
  await gate.reached();
  const go = source.name === scene.driver.name ? undefined : await pause(scene, source);
  await gate.lift();
  await fleet.story.until('commit', 30_000, ({ id, stage }) => id === scene.migration && stage === 'commit');
  return go ?? (async () => undefined);
};

const atClean: Reach = async (scene, order) => {
  await order();
  await scene.fleet.story.until('clean', 60_000, ({ id, stage }) => id === scene.migration && stage === 'clean');
  return async () => undefined;
};

const points: Record<Point, Reach> = {
  prepare: atProgram('source', 'du *'),
  // nothing has stopped: written files go ahead
  freeze: atProgram('source', 'tar *--level=0*'),
  // nothing has stopped: the dump is about to start, and to wait for the freeze
  ready: atProgram('source', 'runc *checkpoint*'),
  // stopped; what was written last has not left
  dump: atProgram('source', 'tar *files.1 *'),
  transfer: amidPages,
  restore: atProgram('target', ...restoring),
  commit: atCommit,
  // the copy runs; nobody knows
  run: atProgram('target', 'ip route replace *'),
  switch: atProgram('source', 'ip -batch *'),
  // its processes are gone, the container is not
  release: atProgram('source', 'runc *delete*'),
  clean: atClean,
};

/** Starts the scene's migration and resolves when it stands at the point. */
export async function reach(scene: Scene, point: Point, strategy: Strategy): Promise<() => Promise<unknown>> {
  const order = async (): Promise<void> => {
    scene.migration = await orderWithDriver(scene, strategy);
  };
  return points[point](scene, order);
}
