import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { linkShape, linkUnshape } from '../../lab/lab.ts';
import { commandConsumer, viaHub } from '../../lib/bus/streams.ts';
import type { Strategy } from '../../lib/contract/names.ts';
import type { FleetNode, TestFleet } from '../helpers/fleet.ts';
import { closeGate, type Gate } from '../helpers/fleet-gates.ts';
import { orderMove, sagaOf, type Workload } from '../helpers/fleet-moves.ts';
import { signalService } from '../helpers/fleet-services.ts';
import { until } from '../helpers/until.ts';

/** A migration from the edge to the cloud, and who plays in it. */
export interface Scene {
  fleet: TestFleet;
  workload: Workload;
  source: FleetNode;
  target: FleetNode;
  /** Node whose migrator drives the saga. */
  driver: FleetNode;
  migration: string;
  /** Undone at the end, the last first, whatever happened. */
  onExit(undo: () => Promise<unknown>): void;
}

/** Stops a node's migrator where it stands; returns how to let it go on. */
export async function pause(scene: Scene, node: FleetNode): Promise<() => Promise<void>> {
  await signalService(scene.fleet, node.name, 'migrator', 'STOP');
  let paused = true;
  const go = async (): Promise<void> => {
    if (paused) await signalService(scene.fleet, node.name, 'migrator', 'CONT').catch(() => undefined);
    paused = false;
  };
  scene.onExit(go);
  return go;
}

/** Holds a program of the node from its start on; see fleet-gates.ts. */
export async function makeGate(scene: Scene, node: FleetNode, ...patterns: string[]): Promise<Gate> {
  const gate = await closeGate(node, ...patterns);
  scene.onExit(gate.lift);
  return gate;
}

/** Slows the edge's cable, so that the transfer takes seconds; returns how to undo it. */
export async function slowLink({ fleet, source, onExit }: Scene, bytesPerSecond: number): Promise<() => Promise<void>> {
  await linkShape(fleet.name, { node: source.name }, { rateBitsPerSecond: bytesPerSecond * 8 });
  const undo = (): Promise<void> => linkUnshape(fleet.name, { node: source.name });
  onExit(undo);
  return undo;
}

/** Resolves in the midst of the transfer: so many bytes of memory have reached the target. */
export async function pagesUnderWay({ target, migration }: Scene, bytes: number): Promise<void> {
  const folder = join(target.root, 'run/godwit/migrations', migration, 'images');
  await until('pages to be under way', 30_000, async () => (await bytesIn(folder)) >= bytes || undefined, 5);
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Orders the move so that the wanted node's migrator takes it up: the others stand still until it has. Commands go to whoever asked
 * for one before, so the others' last questions have to lapse first.
 */
export async function orderWithDriver(scene: Scene, strategy: Strategy): Promise<string> {
  const { fleet, workload, target, driver } = scene;
  const others = fleet.workers.filter(({ name }) => name !== driver.name);
  const hub = await jetstreamManager(await fleet.connect('hub'), { ...viaHub(), checkAPI: false });
  const resume = await Promise.all(others.map((node) => pause(scene, node)));
  try {
    await until('the other drivers to have no question open', 20_000, async () => {
      const { num_waiting: waiting } = await hub.consumers.info('COMMANDS', commandConsumer);
      return waiting <= 1 || undefined;
    });
    const migration = await orderMove(fleet, { workload: workload.name, target: target.name, strategy });
    const taken = await until('a driver', 20_000, () => sagaOf(fleet, migration), 10);
    if (taken.driver !== driver.name) throw new Error(`${taken.driver} drives, not ${driver.name}`);
    return migration;
  } finally {
    for (const go of resume) await go();
  }
}
