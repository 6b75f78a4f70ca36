import type { Clock } from '../lib/clock.ts';
import { nameSchema } from '../lib/contract/names.ts';
import type { ContainerSample } from '../lib/contract/telemetry.ts';
import type { Logger } from '../lib/logger.ts';
import { type CgroupReader, openCgroup } from './cgroup/reader.ts';
import { createComplaints } from './complaints.ts';
import { containerSample, type DeltaBounds, type Reading } from './delta.ts';
import { type FileOpener, isGone } from './held-file.ts';
import { listContainers, readCgroupPaths } from './runc-root.ts';

/** What the telemetry schema allows in one message. */
const schemaMaximum = 1000;
/** Limits change rarely: their files are read anew at every n-th sample. */
const samplesPerLimitRead = 6;

export interface ContainerSet {
  /** Takes in what has come to runc's root and lets go of what has left it. A newcomer's first counters are read at once. */
  scan(): void;
  /** One sample of every running container since its sample before. */
  sample(): ContainerSample[];
  close(): void;
}

export interface ContainerSetOptions {
  runcRoot: string;
  open: FileOpener;
  clock: Clock;
  bounds: DeltaBounds;
  log: Logger;
  maxContainers?: number;
}

interface Tracked {
  reader: CgroupReader;
  last: Reading;
  samples: number;
}

export function createContainerSet(options: ContainerSetOptions): ContainerSet {
  const { runcRoot, open, clock, maxContainers = schemaMaximum } = options;
  const tracked = new Map<string, Tracked>();
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
    const obstacle = obstacleOf(id, tracked.size < maxContainers);
    if (obstacle) {
      complaints.add(id, obstacle);
      return;
    }
    const reader = openCgroup(readCgroupPaths(runcRoot, id), open);
    try {
      tracked.set(id, { reader, last: readNow(reader, clock), samples: 0 });
    } catch (error) {
      reader.close();
      throw error;
    }
  };
  const reconcile = (): void => {
    const present = new Set(listContainers(runcRoot));
    for (const id of tracked.keys()) if (!present.has(id)) drop(id);
    for (const id of present) if (!tracked.has(id)) guarded(id, () => take(id));
    complaints.keep(present);
  };
  return {
    scan: () => {
      guarded(runcRoot, reconcile);
      complaints.report();
    },
    sample: () => {
      const samples: ContainerSample[] = [];
      for (const [id, container] of tracked)
        guarded(id, () => {
          const sample = sampleOne(id, container, clock, options.bounds);
          if (sample) samples.push(sample);
        });
      complaints.report();
      return samples;
    },
    close: () => {
      for (const id of tracked.keys()) drop(id);
    },
  };
}

function obstacleOf(id: string, roomLeft: boolean): string | undefined {
  if (!nameSchema.safeParse(id).success) return 'the id is no workload name';
  return roomLeft ? undefined : 'too many for one message';
}

const readNow = (reader: CgroupReader, clock: Clock): Reading => ({ atMs: clock.monotonic(), ...reader.counters() });

/** Undefined while nothing runs in the container, and while its readings do not tell yet. */
function sampleOne(id: string, container: Tracked, clock: Clock, bounds: DeltaBounds): ContainerSample | undefined {
  const { reader, last } = container;
  const now = readNow(reader, clock);
  const limits = ++container.samples % samplesPerLimitRead === 0 ? reader.readLimits() : reader.limits();
  const sample = containerSample(id, last, now, limits, bounds);
  const counterWentBack = now.cpuMs < last.cpuMs;
  if (sample || counterWentBack) container.last = now;
  return reader.populated() ? sample : undefined;
}
