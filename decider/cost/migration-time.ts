import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import type { Flight, NodeState, WorkloadFacts } from '../world/model.ts';

export interface TransferParams {
  bytesPerSecond: number;
  imageBytesPerSecond: number;
  startMs: number;
}

export const transferParams = ({ cost }: PolicySpec): TransferParams => ({
  bytesPerSecond: cost.bytesPerSecond,
  imageBytesPerSecond: cost.imageBytesPerSecond,
  startMs: cost.startTime,
});

/** Bytes that a migration has to carry: the memory, where it moves at all. Written files are not known before the preflight. */
export function bytesToMove(memoryBytes: number, facts: Pick<WorkloadFacts, 'keeps' | 'strategy'>): number {
  const withMemory =
    facts.strategy === 'auto' ? facts.keeps === 'memory' : facts.strategy !== 'restart' && facts.strategy !== 'cold';
  return withMemory ? memoryBytes : 0;
}

/** Stop-and-copy: T_mig = f (M/d + M/R) + M/d' + T_start; f: how much longer than modelled the dump takes. */
export function migrationMs(bytes: number, bytesPerSecond: number, params: TransferParams, dumpFactor = 1): number {
  const asModelled = params.startMs + (bytes / bytesPerSecond + (2 * bytes) / params.imageBytesPerSecond) * 1000;
  return asModelled + (dumpFactor - 1) * dumpMs(bytes, bytesPerSecond, params);
}

/** M/d + M/R: the pages go to the target as they are dumped. */
export const dumpMs = (bytes: number, bytesPerSecond: number, params: TransferParams): number =>
  (bytes / dumpBytesPerSecond(bytesPerSecond, params)) * 1000;

/** At which the memory of an image leaves its node on such a link. */
export const dumpBytesPerSecond = (bytesPerSecond: number, params: TransferParams, dumpFactor = 1): number =>
  1 / (dumpFactor * (1 / bytesPerSecond + 1 / params.imageBytesPerSecond));

/** The uplink's share for one more transfer: the narrowest on the way, divided among those that leave the site already. */
export function usableBytesPerSecond(
  route: { source: NodeState; target?: NodeState },
  flights: readonly Flight[],
  params: TransferParams,
): number {
  const busy = flights.filter((flight) => flight.site === route.source.site).length;
  const uplinks = [route.source, route.target].map(
    (node) => node?.record?.uplinkBytesPerSecond ?? params.bytesPerSecond,
  );
  return Math.min(...uplinks) / (busy + 1);
}
