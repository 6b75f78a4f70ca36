import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Flight, Learned, World } from '../world/model.ts';
import { dumpMs, migrationMs, type TransferParams, transferParams } from './migration-time.ts';

/** Weight of the newest migration. */
const weight = 0.5;
/** What one migration may say: a single odd one must not make an image look free, or unmovable. */
const least = 0.25;
const most = 4;
/** Containers that somebody else started have no image that they could share. */
const unknownImage = 'unmanaged';

/**
 * From the migrations of an image that have succeeded: moving averages of measured over modelled time, which start from 1, and of the
 * dirty rate, which starts from the policy's. The dump is learned first; the whole against the model with that dump, so that nothing
 * counts twice.
 */
export function learn(world: World, flight: Flight, { result, measurements }: MigrationEvent): void {
  const { totalMs, memoryBytes, dumpMs: measuredDumpMs, dirtyBytesPerSecond: dirty } = measurements ?? {};
  const { image } = flight;
  if (result !== 'succeeded' || totalMs === undefined || memoryBytes === undefined || !learnable(image)) return;
  const transfer = transferParams(world.policy.spec);
  const uplinks = [flight.source, flight.target].map(
    (node) => world.nodes.get(node)?.record?.uplinkBytesPerSecond ?? transfer.bytesPerSecond,
  );
  const rate = Math.min(...uplinks);
  const known = learnedOf(world, image);
  const withDump = measuredDumpMs !== undefined && memoryBytes > 0;
  const dumpFactor = withDump
    ? towards(known.dumpFactor, within(measuredDumpMs / dumpMs(memoryBytes, rate, transfer)))
    : known.dumpFactor;
  world.learned.set(image, {
    dumpFactor,
    timeFactor: towards(known.timeFactor, within(totalMs / migrationMs(memoryBytes, rate, transfer, dumpFactor))),
    dirtyBytesPerSecond: dirty === undefined ? known.dirtyBytesPerSecond : towards(known.dirtyBytesPerSecond, dirty),
  });
}

const towards = (known: number, measured: number): number => known + weight * (measured - known);

const within = (factor: number): number => Math.min(most, Math.max(least, factor));

/** The model's own where nothing has been learned. */
export const learnedOf = (world: World, image: string): Learned =>
  world.learned.get(image) ?? {
    ...{ dumpFactor: 1, timeFactor: 1 },
    dirtyBytesPerSecond: world.policy.spec.cost.dirtyBytesPerSecond,
  };

/** The model's time for a workload of that image, as migrations before it have corrected it. */
export function expectedMs(
  world: World,
  image: string,
  bytes: number,
  bytesPerSecond: number,
  params: TransferParams,
): number {
  const { dumpFactor, timeFactor } = learnedOf(world, image);
  return timeFactor * migrationMs(bytes, bytesPerSecond, params, dumpFactor);
}

const learnable = (image: string | undefined): image is string => image !== undefined && image !== unknownImage;
