import type { NodeRecord, Workload } from '../../lib/contract/node.ts';
import { GodwitError } from '../../lib/errors.ts';

/** What ran where, and what it wanted, step by step: the form that every kind of recording is read into. */
export interface Trace {
  format: string;
  /** Milliseconds since the epoch of step 0. */
  startAt: number;
  intervalMs: number;
  steps: number;
  nodes: TraceNode[];
  workloads: TraceWorkload[];
}

export type TraceNode = Pick<NodeRecord, 'name' | 'site' | 'tier' | 'capacity' | 'uplinkBytesPerSecond'> & {
  /** What the node uses beside its workloads, a value a step; undefined: nothing. */
  background?: Series;
};

export interface TraceWorkload {
  facts: Workload;
  /** Where it runs at step 0. */
  node: string;
  demand: Series;
  limitCores?: number;
  throttledRatio?: Float64Array;
}

/** NaN: nothing was recorded for that step, the workload did not run. */
export interface Series {
  cores: Float64Array;
  memoryBytes: Float64Array;
}

/** A workload of which a trace tells nothing but its usage. */
export const plainFacts = (name: string, home: string): Workload => ({
  name,
  image: 'trace',
  keeps: 'memory',
  strategy: 'auto',
  migrate: true,
  home,
  priority: 0,
  startedAt: Number.NEGATIVE_INFINITY,
});

/** Room for whatever comes. */
export const endlessCloud = (): TraceNode => ({
  name: 'cloud',
  site: 'cloud',
  tier: 'cloud',
  capacity: { cores: 1e6, memoryBytes: 2 ** 50 },
});

/** A thousand workloads for a week at 5 s; one time of another age asks for more than any memory holds. */
const mostValues = 2 ** 27;

/** @throws E_INPUT when the first and the last time of a trace lie too far apart for so many series */
export function expectSpan(format: string, steps: number, series: number): void {
  if (!(steps * series <= mostValues))
    throw new GodwitError(
      'E_INPUT',
      `the ${format} trace spans ${steps} intervals: expected at most ${Math.floor(mostValues / series)} of ${series} series`,
      {
        next: 'look for a time of another age among its rows',
      },
    );
}

/** Memory that no workload of a trace fills, where the trace has no memory. */
export const ampleMemoryBytes = 2 ** 44;
