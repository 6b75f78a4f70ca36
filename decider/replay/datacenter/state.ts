import { type HostType, hostCount, hostTypes, stepSeconds, type VmType, vmTypeOf } from './hardware.ts';
import { type HostRecord, newHostRecord, newVmRecord, type VmRecord } from './records.ts';

/** Samples that VMs and hosts look back on. */
const historyLength = 30;

export interface Vm {
  index: number;
  name: string;
  type: VmType;
  /** Shares of its MIPS, one a step, the last one twice. */
  trace: readonly number[];
  /** MIPS that it asks for now. */
  demand: number;
  /** Its use of its own MIPS at each step, oldest first. */
  history: number[];
  sampledAt: number;
  moving: boolean;
  /** Where it runs; undefined once it has ended. */
  host: Host | undefined;
  record: VmRecord;
}

export interface Host {
  index: number;
  type: HostType;
  /** In the order of their arrival; one that arrives stands here and at its source. */
  vms: Vm[];
  arriving: Set<Vm>;
  /** MIPS in use at the last two updates. */
  used: number;
  usedBefore: number;
  record: HostRecord;
}

export interface Datacenter {
  hosts: Host[];
  vms: Vm[];
  migrations: number;
  joules: number;
  /** Time of the last update. */
  at: number;
}

/** @param traces CPU in percent, one value a step, in the order that gives VMs their types */
export function createDatacenter(traces: readonly { name: string; percent: readonly number[] }[]): Datacenter {
  const vms = traces.map(({ name, percent }, index): Vm => {
    const trace = percent.map((value) => value / 100);
    return {
      index,
      name,
      type: vmTypeOf(index, traces.length),
      trace: [...trace, trace.at(-1) ?? 0],
      demand: 0,
      history: [],
      sampledAt: 0,
      moving: false,
      host: undefined,
      record: newVmRecord(),
    };
  });
  const hosts = Array.from(
    { length: hostCount },
    (_, index): Host => ({
      index,
      type: hostTypes[index % hostTypes.length] as HostType,
      vms: [],
      arriving: new Set(),
      used: 0,
      usedBefore: 0,
      record: newHostRecord(),
    }),
  );
  return { hosts, vms, migrations: 0, joules: 0, at: 0 };
}

/** Share of its MIPS that a VM asks for, linear between two steps. */
export function demandShare({ trace }: Vm, at: number): number {
  const step = Math.floor(at / stepSeconds);
  const from = trace[step] ?? 0;
  const next = trace[step + 1] ?? from;
  return from + ((next - from) / stepSeconds) * (at - step * stepSeconds);
}

export function remember(vm: Vm, share: number): void {
  vm.history.push(share);
  if (vm.history.length > historyLength) vm.history.shift();
}

export const utilization = (host: Host): number => shareOf(host.used, host.type.totalMips);

/** Rounding may lift a full host slightly above 1. */
export function shareOf(mips: number, totalMips: number): number {
  const share = mips / totalMips;
  return share > 1 && share < 1.01 ? 1 : share;
}
