import { GodwitError } from '../../lib/errors.ts';
import type { FileOpener, HeldFile } from '../held-file.ts';
import { type CgroupPaths, type Layout, type Limits, layoutOf } from './layout.ts';
import { parseCounter, parseKey, parsePressure } from './text.ts';

export interface Counters {
  /** CPU time used since the group was made. */
  cpuMs: number;
  /** Working set: usage less inactive file pages, as the kubelet counts it. */
  memoryBytes: number;
  /** Scheduling periods since the group was made, and those in which it was throttled; absent without a CPU limit. */
  throttling?: { periods: number; throttled: number } | undefined;
  /** PSI `some avg10`; absent where the kernel has none. */
  cpuPressureRatio?: number | undefined;
  memoryPressureRatio?: number | undefined;
}

/** Every method throws with code ENODEV once the group is gone. */
export interface CgroupReader {
  /** False when no process is left in the group. */
  populated(): boolean;
  counters(): Counters;
  /** As of the last `readLimits`. */
  limits(): Limits;
  readLimits(): Limits;
  close(): void;
}

/** Opens a cgroup's files and holds them; E_INPUT when they do not hold what the kernel documents, or `paths` is no cgroup. */
export function openCgroup(paths: CgroupPaths, open: FileOpener): CgroupReader {
  const layout = layoutOf(paths);
  if (!layout)
    throw new GodwitError('E_INPUT', 'the container has neither v1 groups for cpu, cpuacct, memory nor a v2 group');
  let limits = layout.limits(open);
  const files = holdAll(layout, open);
  return {
    populated: () => files.population === undefined || layout.populated(files.population.read()),
    counters: () => readCounters(layout, files, limits.cpuLimitCores !== undefined),
    limits: () => limits,
    readLimits: () => {
      limits = layout.limits(open);
      return limits;
    },
    close: () => closeAll(files),
  };
}

type HeldFiles = Partial<Record<keyof Layout['files'], HeldFile>>;

/** Holds all or nothing: when a needed file can not be opened, those before it are closed again. */
function holdAll(layout: Layout, open: FileOpener): HeldFiles {
  const held: HeldFiles = {};
  const { population, cpuPressure, memoryPressure, ...needed } = layout.files;
  const optional = { population, cpuPressure, memoryPressure };
  try {
    for (const [job, path] of Object.entries(needed)) held[job as keyof HeldFiles] = open.hold(path);
    for (const [job, path] of Object.entries(optional)) {
      const file = path === undefined ? undefined : open.holdIfServed(path);
      if (file) held[job as keyof HeldFiles] = file;
    }
    return held;
  } catch (error) {
    closeAll(held);
    throw error;
  }
}

function closeAll(files: HeldFiles): void {
  for (const file of Object.values(files)) file.close();
}

function readCounters(layout: Layout, files: HeldFiles, limited: boolean): Counters {
  const usedBytes = expected(parseCounter(textOf(files.memoryUsage)), layout.files.memoryUsage);
  const inactive = expected(parseKey(textOf(files.memoryStat), layout.inactiveFileKey), layout.files.memoryStat);
  return {
    cpuMs: expected(layout.cpuMs(textOf(files.cpuUsage)), layout.files.cpuUsage),
    memoryBytes: Math.max(0, usedBytes - inactive),
    throttling: limited ? parseThrottling(textOf(files.throttling)) : undefined,
    cpuPressureRatio: files.cpuPressure && parsePressure(files.cpuPressure.read()),
    memoryPressureRatio: files.memoryPressure && parsePressure(files.memoryPressure.read()),
  };
}

function parseThrottling(text: string): Counters['throttling'] {
  const periods = parseKey(text, 'nr_periods');
  const throttled = parseKey(text, 'nr_throttled');
  return periods === undefined || throttled === undefined ? undefined : { periods, throttled };
}

const textOf = (file: HeldFile | undefined): string => file?.read() ?? '';

function expected(value: number | undefined, path: string): number {
  if (value === undefined) throw new GodwitError('E_INPUT', `${path}: the value is missing or is no number`);
  return value;
}
