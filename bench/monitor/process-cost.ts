import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of all threads of a process, from /proc/<pid>/task/<tid>/schedstat (kernel: sched-stats.rst), finer than the ticks of `stat`. */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((tid) =>
    Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}

export interface Memory {
  rssMiB: number;
  /** Mapped by nobody else: the heap, and pages of the node binary only where no other process runs it. */
  privateMiB: number;
}

export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (key: string): number => Number(new RegExp(`^${key}: +(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / 1024;
  const rounded = (value: number): number => Math.round(value * 10) / 10;
  return {
    rssMiB: rounded(mebibytes('Rss')),
    privateMiB: rounded(mebibytes('Private_Clean') + mebibytes('Private_Dirty')),
  };
}
