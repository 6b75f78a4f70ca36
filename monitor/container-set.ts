import type { Clock } from '../lib/clock.ts';
import { nameSchema } from '../lib/contract/names.ts';
import type { ContainerSample } from '../lib/contract/telemetry.ts';
import type { Logger } from '../lib/logger.ts';
import type { CgroupPaths } from './cgroup/layout.ts';
import { type CgroupReader, openCgroup } from './cgroup/reader.ts';
import { combined } from './combine.ts';
import { createComplaints } from './complaints.ts';
import { containerSample, type DeltaBounds, type Reading } from './delta.ts';
import { type FileOpener, isGone } from './held-file.ts';

/** What the telemetry schema allows in one message. */
const schemaMaximum = 1000;
/** Limits change rarely: their files are read anew at every n-th sample. */
const samplesPerLimitRead = 6;

/** Where containers are found, and what they are. */
export interface ContainerSource {
  /** Ids of those that are there now. */
  list(): string[];
  /** Undefined when the container is nobody's workload. Throws like a read of a file when it is gone, or not whole yet. */
  identify(id: string): { workload: string; paths: CgroupPaths } | undefined;
}

export interface ContainerSet {
  /** Takes in what has come to the source and lets go of what has left it. A newcomer's first counters are read at once. */
  scan(): void;
  /** One sample of every workload of which something runs, since its sample before. */
  sample(): ContainerSample[];
  close(): void;
}

export interface ContainerSetOptions {
  source: ContainerSource;
  open: FileOpener;
  clock: Clock;
  bounds: DeltaBounds;
  log: Logger;
  maxContainers?: number;
}

interface Tracked {
  workload: string;
  reader: CgroupReader;
  last: Reading;
  samples: number;
}

export function createContainerSet(options: ContainerSetOptions): ContainerSet {
  const { source, open, clock, maxContainers = schemaMaximum } = options;
  const tracked = new Map<string, Tracked>();
  const passedOver = new Set<string>();
  const complaints = createComplaints(options.log);

  const drop = (id: string): void => {
    tracked.get(id)?.reader.close();
    tracked.delete(id);
  };
  /** What vanishes between two reads is no error; anything else is said once and tried again at the next scan. */
  const guarded = (id: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      drop(id);
      if (!isGone(error)) complaints.add(id, 'can not be read', error);
    }
  };
  const take = (id: string): void => {
    const found = source.identify(id);
    if (!found) {
      passedOver.add(id);
      return;
    }
    const { workload, paths } = found;
    const obstacle = obstacleOf(workload, tracked.size < maxContainers);
    if (obstacle) {
      complaints.add(id, obstacle);
      return;
    }
    const reader = openCgroup(paths, open);
    try {
      tracked.set(id, { workload, reader, last: readNow(reader, clock), samples: 0 });
    } catch (error) {
      reader.close();
      throw error;
    }
  };
  const isKnown = (id: string): boolean => tracked.has(id) || passedOver.has(id);
  const reconcile = (): void => {
    const present = new Set(source.list());
    for (const id of tracked.keys()) if (!present.has(id)) drop(id);
    for (const id of passedOver) if (!present.has(id)) passedOver.delete(id);
    for (const id of present) if (!isKnown(id)) guarded(id, () => take(id));
    complaints.keep(present);
  };
  return {
    scan: () => {
      guarded('all', reconcile);
      complaints.report();
    },
    sample: () => {
      const samples: ContainerSample[] = [];
      for (const [id, container] of tracked)
        guarded(id, () => {
          const sample = sampleOne(container, clock, options.bounds);
          if (sample) samples.push(sample);
        });
      complaints.report();
      return combined(samples);
    },
    close: () => {
      for (const id of tracked.keys()) drop(id);
    },
  };
}

function obstacleOf(workload: string, roomLeft: boolean): string | undefined {
  if (!nameSchema.safeParse(workload).success) return 'not a workload name';
  return roomLeft ? undefined : 'too many for one message';
}

const readNow = (reader: CgroupReader, clock: Clock): Reading => ({ atMs: clock.monotonic(), ...reader.counters() });

/** Undefined while nothing runs in the container, and while its readings do not tell yet. */
function sampleOne(container: Tracked, clock: Clock, bounds: DeltaBounds): ContainerSample | undefined {
  const { workload, reader, last } = container;
  const now = readNow(reader, clock);
  const limits = ++container.samples % samplesPerLimitRead === 0 ? reader.readLimits() : reader.limits();
  const sample = containerSample(workload, last, now, limits, bounds);
  const counterWentBack = now.cpuMs < last.cpuMs;
  if (sample || counterWentBack) container.last = now;
  return reader.populated() ? sample : undefined;
}
