import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Factors, Flight, World } from '../world/model.ts';
import { dumpMs, migrationMs, type TransferParams, transferParams } from './migration-time.ts';

/** Weight of the newest migration. */
const weight = 0.5;
/** What one migration may say: a single odd one must not make an image look free, or unmovable. */
const least = 0.25;
const most = 4;
/** Containers that somebody else started have no image that they could share. */
const unknownImage = 'unmanaged';

/**
 * From the migrations of an image that have succeeded: moving averages of measured over modelled time that start from the model (1).
 * The dump is learned first; the whole against the model with that dump, so that nothing counts twice.
 */
export function learn(world: World, flight: Flight, { result, measurements }: MigrationEvent): void {
  const { totalMs, memoryBytes, dumpMs: measuredDumpMs } = measurements ?? {};
  const { image } = flight;
  if (result !== 'succeeded' || totalMs === undefined || memoryBytes === undefined || !learnable(image)) return;
  const transfer = transferParams(world.policy.spec);
  const uplinks = [flight.source, flight.target].map(
    (node) => world.nodes.get(node)?.record?.uplinkBytesPerSecond ?? transfer.bytesPerSecond,
  );
  const rate = Math.min(...uplinks);
  const known = factorsOf(world, image);
  const withDump = measuredDumpMs !== undefined && memoryBytes > 0;
  const dump = withDump ? towards(known.dump, measuredDumpMs / dumpMs(memoryBytes, rate, transfer)) : known.dump;
  const time = towards(known.time, totalMs / migrationMs(memoryBytes, rate, transfer, dump));
  world.learned.set(image, { dump, time });
}

const towards = (known: number, ratio: number): number =>
  known + weight * (Math.min(most, Math.max(least, ratio)) - known);

/** 1 where nothing has been learned. */
export const factorsOf = (world: World, image: string): Factors => world.learned.get(image) ?? { dump: 1, time: 1 };

/** The model's time for a workload of that image, as migrations before it have corrected it. */
export function expectedMs(
  world: World,
  image: string,
  bytes: number,
  bytesPerSecond: number,
  params: TransferParams,
): number {
  const { dump, time } = factorsOf(world, image);
  return time * migrationMs(bytes, bytesPerSecond, params, dump);
}

const learnable = (image: string | undefined): image is string => image !== undefined && image !== unknownImage;
