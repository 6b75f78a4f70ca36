import { cpus } from 'node:os';
import { GodwitError } from '../../lib/errors.ts';
import type { CgroupReader, Counters } from '../cgroup/reader.ts';
import { openCgroup } from '../cgroup/reader.ts';
import { parsePressure } from '../cgroup/text.ts';
import type { FileOpener, HeldFile } from '../held-file.ts';
import { parseBusyMs, parseCgroupRoots, parseMeminfo } from './text.ts';

export interface Capacity {
  cores: number;
  memoryBytes: number;
}

export interface NodeUsage {
  counters(): Omit<Counters, 'throttling'>;
  /** Follows the limits of the node's group; they are read anew at each call. */
  capacity(): Capacity;
  /** Per resource: the whole machine, or the group at the root of this cgroup namespace. */
  readonly source: { cpu: Source; memory: Source };
  close(): void;
}
type Source = 'machine' | 'cgroup';

export interface NodeUsageOptions {
  open: FileOpener;
  /** Usually /proc. */
  proc: string;
  /** What the configuration says wins over limits and hardware. */
  capacity: { cores?: number | undefined; memoryBytes?: number | undefined };
  hostCores?: number;
}

/**
 * The node's own use and size. Where the root cgroup that we see has a limit, the node is that group (a virtual node, a container)
 * and its use is the group's; a resource without a limit there is the machine's. Which of the two is settled at the start.
 */
export function openNodeUsage(options: NodeUsageOptions): NodeUsage {
  const { open, proc } = options;
  const hostCores = options.hostCores ?? cpus().length;
  const machine = openMachine(open, proc);
  const group = openRootGroup(open, proc);
  const limits = group?.limits();
  const source: NodeUsage['source'] = {
    cpu: limits?.cpuLimitCores === undefined ? 'machine' : 'cgroup',
    memory: limits?.memoryLimitBytes === undefined ? 'machine' : 'cgroup',
  };
  return {
    source,
    counters: () => {
      const ofMachine = machine.counters();
      const ofGroup = group?.counters() ?? ofMachine;
      const cpu = source.cpu === 'cgroup' ? ofGroup : ofMachine;
      const memory = source.memory === 'cgroup' ? ofGroup : ofMachine;
      return {
        cpuMs: cpu.cpuMs,
        memoryBytes: memory.memoryBytes,
        cpuPressureRatio: cpu.cpuPressureRatio,
        memoryPressureRatio: memory.memoryPressureRatio,
      };
    },
    capacity: () => {
      const now = group?.readLimits();
      return {
        cores: options.capacity.cores ?? Math.min(now?.cpuLimitCores ?? hostCores, hostCores),
        memoryBytes: options.capacity.memoryBytes ?? Math.min(now?.memoryLimitBytes ?? Infinity, machine.totalBytes),
      };
    },
    close: () => {
      machine.close();
      group?.close();
    },
  };
}

/** Undefined on a real v2 root (it has no usage files) and where no hierarchy is mounted. */
function openRootGroup(open: FileOpener, proc: string): CgroupReader | undefined {
  try {
    return openCgroup(parseCgroupRoots(open.readOnce(`${proc}/self/mountinfo`)), open);
  } catch {
    return undefined;
  }
}

interface Machine {
  counters(): Omit<Counters, 'throttling'>;
  totalBytes: number;
  close(): void;
}

function openMachine(open: FileOpener, proc: string): Machine {
  const stat = open.hold(`${proc}/stat`);
  const meminfo = open.hold(`${proc}/meminfo`);
  const cpuPressure = open.holdIfServed(`${proc}/pressure/cpu`);
  const memoryPressure = open.holdIfServed(`${proc}/pressure/memory`);
  const memory = (): NonNullable<ReturnType<typeof parseMeminfo>> => known(parseMeminfo(meminfo.read()), 'meminfo');
  const ratio = (file: HeldFile | undefined): number | undefined => file && parsePressure(file.read());
  return {
    counters: () => ({
      cpuMs: known(parseBusyMs(stat.read()), 'stat'),
      memoryBytes: memory().usedBytes,
      cpuPressureRatio: ratio(cpuPressure),
      memoryPressureRatio: ratio(memoryPressure),
    }),
    totalBytes: memory().totalBytes,
    close: () => {
      for (const file of [stat, meminfo, cpuPressure, memoryPressure]) file?.close();
    },
  };
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new GodwitError('E_SETUP', `/proc/${name} does not hold what proc(5) says`);
  return value;
}
