import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Flight, World } from '../world/model.ts';
import { migrationMs, type TransferParams, transferParams } from './migration-time.ts';

/** Weight of the newest migration. */
const weight = 0.5;
/** What one migration may say: a single odd one must not make an image look free, or unmovable. */
const least = 0.25;
const most = 4;
/** Containers that somebody else started have no image that they could share. */
const unknownImage = 'unmanaged';

/**
 * How much longer migrations of an image take than the model says, from those that have succeeded: a moving average of
 * measured over modelled time that starts from the model (1).
 */
export function learnTime(world: World, flight: Flight, { result, measurements }: MigrationEvent): void {
  const { totalMs, memoryBytes } = measurements ?? {};
  const { image } = flight;
  if (result !== 'succeeded' || totalMs === undefined || memoryBytes === undefined || !learnable(image)) return;
  const transfer = transferParams(world.policy.spec);
  const uplinks = [flight.source, flight.target].map(
    (node) => world.nodes.get(node)?.record?.uplinkBytesPerSecond ?? transfer.bytesPerSecond,
  );
  const ratio = totalMs / migrationMs(memoryBytes, Math.min(...uplinks), transfer);
  const known = timeFactor(world, image);
  world.timeFactors.set(image, known + weight * (Math.min(most, Math.max(least, ratio)) - known));
}

/** 1 where nothing has been learned. */
export const timeFactor = (world: World, image: string): number => world.timeFactors.get(image) ?? 1;

/** The model's time for a workload of that image, as migrations before it have corrected it. */
export function expectedMs(
  world: World,
  image: string,
  bytes: number,
  bytesPerSecond: number,
  params: TransferParams,
): number {
  return timeFactor(world, image) * migrationMs(bytes, bytesPerSecond, params);
}

const learnable = (image: string | undefined): image is string => image !== undefined && image !== unknownImage;
