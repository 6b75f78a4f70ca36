import type { ErrorCode } from '../../lib/errors.ts';
import type { Hub } from '../hub-client.ts';
import type { Kind } from '../output.ts';

/** One kind of object that `get` lists, and where it is had from. */
export interface Resource<T, Source = Hub> {
  kind(now: number): Kind<T>;
  /** Raised for a name that is not there. */
  unknown: ErrorCode;
  /** In the order of printing; the newest `limit` of those that only grow. */
  list(source: Source, limit: number): Promise<T[]>;
  /** Every change from now on, some of it known already. */
  changes(source: Source, since: number, signal: AbortSignal): AsyncIterable<T>;
  /** The same text means that nothing worth a line has changed. */
  fingerprint(row: T): string;
}
