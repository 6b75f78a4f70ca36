/** What is known of a host or VM since a time, and what it has added up to before. A second entry for one time replaces the first. */
interface HostEntry {
  at: number;
  allocated: number;
  requested: number;
  active: boolean;
}

export interface HostRecord {
  last: HostEntry | undefined;
  wasActive: boolean;
  activeSeconds: number;
  /** Active and giving less than what is asked for. */
  violatedSeconds: number;
  shutdowns: number;
}

/** Hosts count as switched on before the first entry. */
export const newHostRecord = (): HostRecord => ({
  last: undefined,
  wasActive: true,
  activeSeconds: 0,
  violatedSeconds: 0,
  shutdowns: 0,
});

export function noteHost(record: HostRecord, entry: HostEntry): void {
  if (record.last && record.last.at !== entry.at) settleHost(record, record.last, entry.at - record.last.at);
  record.last = entry;
}

function settleHost(record: HostRecord, entry: HostEntry, seconds: number): void {
  if (record.wasActive && !entry.active) record.shutdowns++;
  record.wasActive = entry.active;
  if (!entry.active) return;
  record.activeSeconds += seconds;
  if (entry.allocated < entry.requested) record.violatedSeconds += seconds;
}

interface VmEntry {
  at: number;
  allocated: number;
  requested: number;
  moving: boolean;
}

export interface VmRecord {
  last: VmEntry | undefined;
  requested: number;
  /** Not given while it moved: MIPS x seconds, as `requested`. */
  degraded: number;
}

export const newVmRecord = (): VmRecord => ({ last: undefined, requested: 0, degraded: 0 });

export function noteVm(record: VmRecord, entry: VmEntry): void {
  const { last } = record;
  if (last && last.at !== entry.at) {
    const seconds = entry.at - last.at;
    record.requested += last.requested * seconds;
    if (last.moving && last.allocated < last.requested) record.degraded += (last.requested - last.allocated) * seconds;
  }
  record.last = entry;
}

/** Shutdowns of a finished day: the last entry counts as well. */
export const shutdownsOf = ({ shutdowns, wasActive, last }: HostRecord): number =>
  shutdowns + Number(wasActive && last !== undefined && !last.active);
