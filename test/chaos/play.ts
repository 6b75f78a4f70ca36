import type { MigrationEvent, MigrationResult } from '../../lib/contract/migration.ts';
import type { Strategy } from '../../lib/contract/names.ts';
import type { FleetNode, TestFleet } from '../helpers/fleet.ts';
import { type BeatWatch, twinsIn, watchBeats } from '../helpers/fleet-beats.ts';
import { leftovers, liveOn } from '../helpers/fleet-facts.ts';
import { endOf, move, runWorkload, type Self, selfOf, untilReported, type Workload } from '../helpers/fleet-moves.ts';
import { tell } from '../helpers/fleet-story.ts';
import { until } from '../helpers/until.ts';
import { type Point, reach } from './points.ts';
import type { Scene } from './scene.ts';

type Player = 'source' | 'target' | 'third';

export interface Scenario {
  fault: string;
  point: Point;
  strategy?: Strategy;
  /** Whose migrator drives the saga; by default that of a node that has no other part. */
  driver?: Player;
  /** Does the harm, while the migration stands at the point. */
  strike(scene: Scene): Promise<void>;
  /** Once the migration goes on; for links that heal later, and for what is to be seen meanwhile. */
  later?(scene: Scene, watch: BeatWatch): Promise<void>;
  /** How the migration may end; the first is what is expected of a quiet machine. */
  results: readonly MigrationResult[];
  /** The fault itself costs the process, as the documentation says. */
  processLost?: true;
}

export const titleOf = ({ fault, point, strategy = 'warm', driver = 'third' }: Scenario): string =>
  [fault, `at ${point}`, strategy === 'warm' ? '' : strategy, driver === 'third' ? '' : `driven by the ${driver}`]
    .filter(Boolean)
    .join(', ');

export interface Outcome {
  result: MigrationResult;
  reason?: string;
  /** Command → end. */
  totalMs: number;
  terms: number;
  sameProcess: boolean;
}

export const players = { source: 'edge-1', target: 'cloud-1', third: 'cloud-2' } as const;
const name = 'load';

/** Plays one scenario on a fleet of its own and checks all that must hold afterwards. @throws Error that says what does not */
export const play = (fleet: TestFleet, scenario: Scenario): Promise<Outcome> =>
  told(fleet, () => perform(fleet, scenario));

/** Adds what was seen to an error, for those who read of it. */
export async function told<T>(fleet: TestFleet, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const seen = tell(fleet.story.events.slice(-24));
    const message = `${(error as Error).message}\nthe last events: ${seen}\nlogs: ${await fleet.keepLogs()}`;
    throw new Error(message, { cause: error });
  }
}

async function perform(fleet: TestFleet, scenario: Scenario): Promise<Outcome> {
  const { strategy = 'warm', driver = 'third' } = scenario;
  const workload = await atHome(fleet);
  const before = await selfOf(workload);
  const undo: (() => Promise<unknown>)[] = [];
  const scene: Scene = {
    fleet,
    workload,
    source: fleet.node(players.source),
    target: fleet.node(players.target),
    driver: fleet.node(players[driver]),
    migration: '',
    onExit: (step) => undo.unshift(step),
  };
  const watch = watchBeats(fleet.workers, name);
  try {
    const goOn = await reach(scene, scenario.point, strategy);
    await scenario.strike(scene);
    await goOn();
    await scenario.later?.(scene, watch);
    const end = await endOf(fleet, scene.migration, 120_000);
    const after = await settled(fleet, workload, end.result === 'succeeded' ? end.target : end.source);
    await watch.stop();
    return judge(scenario, scene, watch, { before, after, end });
  } finally {
    for (const step of undo) await step();
    await watch.stop();
  }
}

/** Starts the workload at the edge, and takes it there and back once: the cloud then has its image. */
export async function rehearse(fleet: TestFleet): Promise<void> {
  await runWorkload(fleet, { name, node: players.source, host: 101, env: { MIB: '16' } });
  const end = await move(fleet, { workload: name, target: players.target, strategy: 'warm' });
  if (end.result !== 'succeeded') throw new Error(`a move without faults ended ${end.result}: ${end.reason}`);
}

/** The workload runs at the edge, fetched back from where the last scenario has left it. */
export async function atHome(fleet: TestFleet): Promise<Workload> {
  const [where] = await liveOn(fleet.workers, name);
  if (where !== players.source) {
    await untilReported(fleet, name, where ?? 'no node');
    const end = await move(fleet, { workload: name, target: players.source, strategy: 'warm' });
    if (end.result !== 'succeeded') throw new Error(`the way home ended ${end.result}: ${end.reason}`);
  }
  await untilReported(fleet, name, players.source);
  return { name, url: `http://${fleet.addressOf(101)}:8080` };
}

/** Waits until exactly one copy lives, on that node, and nothing is left of any migration. */
export async function settled(fleet: TestFleet, workload: Workload, home: string): Promise<Self> {
  await until(`${name} to live on ${home} alone, and nothing to be left`, 30_000, async () => {
    const live = await liveOn(fleet.workers, name);
    if (live.join() !== home) throw new Error(`it lives on ${live.join() || 'no node'}`);
    const lines = await Promise.all(fleet.workers.map((node: FleetNode) => leftovers(node, name, node.name === home)));
    if (lines.flat().length > 0) throw new Error(lines.flat().join('; '));
    return true;
  });
  return selfOf(workload);
}

function judge(
  { results, processLost, strategy = 'warm' }: Scenario,
  { fleet, migration }: Scene,
  watch: BeatWatch,
  { before, after, end }: { before: Self; after: Self; end: MigrationEvent },
): Outcome {
  const { result = 'failed', reason } = end;
  const faults = twinsIn(watch.beats);
  const sameProcess = before.nonce === after.nonce;
  const promised = !processLost && (strategy === 'warm' || (result !== 'succeeded' && strategy !== 'cold'));
  if (!results.includes(result)) faults.push(`it ended ${result}: ${reason}`);
  if (result !== 'succeeded' && !reason) faults.push('the end has no reason');
  if (promised && !sameProcess) faults.push('another process answers');
  if (sameProcess && after.counter <= before.counter) faults.push('the counter went back');
  if (!after.checksum.ok) faults.push('the memory is damaged');
  if (watch.beats.length === 0) faults.push('no sign of life was seen');
  if (faults.length > 0) throw new Error(faults.join('; '));
  const events = fleet.story.of(migration);
  return {
    result,
    ...(reason !== undefined && { reason }),
    totalMs: end.at - (events[0]?.at ?? end.at),
    terms: Math.max(...events.map(({ term }) => term)),
    sameProcess,
  };
}
