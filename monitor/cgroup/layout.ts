import type { FileOpener } from '../held-file.ts';
import { parseCfsQuota, parseCounter, parseCpuMax, parseKey, parseMemoryLimit } from './text.ts';

/** Folder of a cgroup in each hierarchy, as runc's state.json names them; the key `''` is v2's. */
export type CgroupPaths = Readonly<Record<string, string>>;

/** Absent means unlimited. */
export interface Limits {
  cpuLimitCores?: number | undefined;
  memoryLimitBytes?: number | undefined;
}

/** Where a cgroup version keeps what we read, and how it writes it. */
export interface Layout {
  files: {
    cpuUsage: string;
    throttling: string;
    memoryUsage: string;
    memoryStat: string;
    population: string | undefined;
    cpuPressure: string | undefined;
    memoryPressure: string | undefined;
  };
  cpuMs(text: string): number | undefined;
  inactiveFileKey: string;
  populated(text: string): boolean;
  limits(open: FileOpener): Limits;
}

/** Kernel: Documentation/admin-guide/cgroup-v1. PSI exists on v2 alone; a hybrid machine has both. */
function layoutV1(cpuacct: string, cpu: string, memory: string, paths: CgroupPaths): Layout {
  const { pids, '': unified } = paths;
  return {
    files: {
      cpuUsage: `${cpuacct}/cpuacct.usage`,
      throttling: `${cpu}/cpu.stat`,
      memoryUsage: `${memory}/memory.usage_in_bytes`,
      memoryStat: `${memory}/memory.stat`,
      population: pids && `${pids}/pids.current`,
      cpuPressure: unified && `${unified}/cpu.pressure`,
      memoryPressure: unified && `${unified}/memory.pressure`,
    },
    cpuMs: (text) => scaled(parseCounter(text), 1e-6),
    inactiveFileKey: 'total_inactive_file',
    populated: (text) => parseCounter(text) !== 0,
    limits: (open) => ({
      cpuLimitCores: parseCfsQuota(open.readOnce(`${cpu}/cpu.cfs_quota_us`), open.readOnce(`${cpu}/cpu.cfs_period_us`)),
      memoryLimitBytes: parseMemoryLimit(open.readOnce(`${memory}/memory.limit_in_bytes`)),
    }),
  };
}

/** Kernel: Documentation/admin-guide/cgroup-v2.rst. */
function layoutV2(folder: string): Layout {
  return {
    files: {
      cpuUsage: `${folder}/cpu.stat`,
      throttling: `${folder}/cpu.stat`,
      memoryUsage: `${folder}/memory.current`,
      memoryStat: `${folder}/memory.stat`,
      population: `${folder}/cgroup.events`,
      cpuPressure: `${folder}/cpu.pressure`,
      memoryPressure: `${folder}/memory.pressure`,
    },
    cpuMs: (text) => scaled(parseKey(text, 'usage_usec'), 1e-3),
    inactiveFileKey: 'inactive_file',
    populated: (text) => parseKey(text, 'populated') !== 0,
    limits: (open) => ({
      cpuLimitCores: parseCpuMax(open.readOnce(`${folder}/cpu.max`)),
      memoryLimitBytes: parseMemoryLimit(open.readOnce(`${folder}/memory.max`)),
    }),
  };
}

/** v1 where its three controllers are there, else v2; undefined when the paths hold neither. */
export function layoutOf(paths: CgroupPaths): Layout | undefined {
  const { cpuacct, cpu, memory, '': unified } = paths;
  if (cpuacct && cpu && memory) return layoutV1(cpuacct, cpu, memory, paths);
  return unified === undefined ? undefined : layoutV2(unified);
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
