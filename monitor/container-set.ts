import type { Clock } from '../lib/clock.ts';
import { nameSchema } from '../lib/contract/names.ts';
import type { ContainerSample } from '../lib/contract/telemetry.ts';
import type { Logger } from '../lib/logger.ts';
import { type CgroupReader, openCgroup } from './cgroup/reader.ts';
import { containerSample, type DeltaBounds, type Reading } from './delta.ts';
import { type FileOpener, isGone } from './held-file.ts';
import { listContainers, readCgroupPaths } from './runc-root.ts';

/** What the telemetry schema allows in one message. */
const maxContainers = 1000;
/** Limits change rarely: their files are read anew at every n-th sample. */
const samplesPerLimitRead = 6;

export interface ContainerSet {
  /** Takes in what has come to runc's root and lets go of what has left it. A newcomer's first counters are read at once. */
  scan(): void;
  /** One sample of every running container since the sample before. */
  sample(): ContainerSample[];
  close(): void;
}

export interface ContainerSetOptions {
  runcRoot: string;
  open: FileOpener;
  clock: Clock;
  bounds: DeltaBounds;
  log: Logger;
}

interface Tracked {
  reader: CgroupReader;
  last: Reading;
  samples: number;
}

export function createContainerSet(options: ContainerSetOptions): ContainerSet {
  const { runcRoot, open, clock, log } = options;
  const tracked = new Map<string, Tracked>();
  const complaints = new Map<string, string>();

  const complainOnce = (id: string, message: string, error?: unknown): void => {
    if (complaints.get(id) === message) return;
    complaints.set(id, message);
    log.warn({ container: id, unwatched: complaints.size, ...(error === undefined ? {} : { err: error }) }, message);
  };
  const drop = (id: string): void => {
    tracked.get(id)?.reader.close();
    tracked.delete(id);
  };
  const readNow = (reader: CgroupReader): Reading => ({ atMs: clock.monotonic(), ...reader.counters() });

  const obstacleOf = (id: string): string | undefined => {
    if (!nameSchema.safeParse(id).success) return 'the container id is no workload name';
    return tracked.size >= maxContainers ? 'too many containers for one message' : undefined;
  };
  const take = (id: string): void => {
    const obstacle = obstacleOf(id);
    if (obstacle) {
      complainOnce(id, obstacle);
      return;
    }
    const reader = openCgroup(readCgroupPaths(runcRoot, id), open);
    try {
      tracked.set(id, { reader, last: readNow(reader), samples: 0 });
      complaints.delete(id);
    } catch (error) {
      reader.close();
      throw error;
    }
  };
  /** A container that vanishes between two reads is no error; anything else is said once and tried again. */
  const guarded = (id: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      drop(id);
      if (!isGone(error)) complainOnce(id, 'the container can not be read', error);
    }
  };
  const sampleOne = (id: string, container: Tracked): ContainerSample | undefined => {
    const { reader, last } = container;
    if (!reader.populated()) {
      container.last = readNow(reader);
      return undefined;
    }
    const reading = readNow(reader);
    const limits = ++container.samples % samplesPerLimitRead === 0 ? reader.readLimits() : reader.limits();
    const sample = containerSample(id, last, reading, limits, options.bounds);
    if (sample || reading.cpuMs < last.cpuMs) container.last = reading;
    return sample;
  };

  return {
    scan: () => {
      const present = new Set(listContainers(runcRoot));
      for (const id of tracked.keys()) if (!present.has(id)) drop(id);
      for (const id of complaints.keys()) if (!present.has(id)) complaints.delete(id);
      for (const id of present) if (!tracked.has(id)) guarded(id, () => take(id));
    },
    sample: () => {
      const samples: ContainerSample[] = [];
      for (const [id, container] of tracked)
        guarded(id, () => {
          const sample = sampleOne(id, container);
          if (sample) samples.push(sample);
        });
      return samples;
    },
    close: () => {
      for (const id of tracked.keys()) drop(id);
    },
  };
}
