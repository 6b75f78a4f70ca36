import { arrivingShare, migratingShare, powerAt, stepSeconds } from './hardware.ts';
import { noteHost, noteVm } from './records.ts';
import { type Datacenter, demandShare, type Host, remember, shareOf, utilization, type Vm } from './state.ts';

/** The first sample is taken this long after midnight, in seconds. */
export const startSeconds = 0.1;

/** Brings all to time `at`: demands, shares, energy since the last time; a VM that asks for nothing any more has ended. */
export function advance(center: Datacenter, at: number): void {
  for (const host of center.hosts) updateHost(host, at);
  const seconds = at - center.at;
  if (seconds > 0) for (const host of center.hosts) center.joules += energyOf(host, seconds);
  for (const host of center.hosts) endIdle(host);
  center.at = at;
}

export function updateHost(host: Host, at: number): void {
  for (const vm of host.vms) updateDemand(vm, at);
  host.usedBefore = host.used;
  host.used = 0;
  let requested = 0;
  const shares = sharesOf(host);
  for (const [index, vm] of host.vms.entries()) {
    const share = shares[index] ?? 0;
    requested += vm.demand;
    if (host.arriving.has(vm)) {
      host.used += share;
      continue;
    }
    noteVm(vm.record, { at, allocated: share, requested: vm.demand, moving: vm.moving });
    host.used += vm.moving ? share / migratingShare : share;
  }
  noteHost(host.record, { at, allocated: host.used, requested, active: host.used > 0 });
}

/** One that moves stands at two hosts and is asked twice; the answer is the same. */
function updateDemand(vm: Vm, at: number): void {
  const share = demandShare(vm, at);
  vm.demand = share * vm.type.mips;
  if ((at - startSeconds) % stepSeconds === 0 && vm.sampledAt !== at) {
    remember(vm, share);
    vm.sampledAt = at;
  }
}

/** MIPS that each VM gets: what it asks for, at most a core; all less in proportion, in whole MIPS, where that is more than there is. */
function sharesOf(host: Host): number[] {
  const { coreMips, totalMips } = host.type;
  const wanted = host.vms.map((vm) => Math.min(vm.demand, coreMips) * (host.arriving.has(vm) ? arrivingShare : 1));
  const total = wanted.reduce((sum, mips) => sum + mips, 0);
  const scale = total > totalMips ? totalMips / total : undefined;
  return wanted.map((mips, index) => {
    const vm = host.vms[index] as Vm;
    const degraded = vm.moving && !host.arriving.has(vm) ? mips * migratingShare : mips;
    return scale === undefined ? degraded : Math.floor(degraded * scale);
  });
}

/** Joules, power linear between two times; a host that stood empty at the first of them was off. */
function energyOf(host: Host, seconds: number): number {
  if (host.usedBefore === 0) return 0;
  const before = powerAt(host.type, shareOf(host.usedBefore, host.type.totalMips));
  return ((before + powerAt(host.type, utilization(host))) / 2) * seconds;
}

function endIdle(host: Host): void {
  if (!host.vms.some((vm) => vm.demand === 0 && !vm.moving)) return;
  for (const vm of host.vms) if (vm.demand === 0 && !vm.moving) vm.host = undefined;
  host.vms = host.vms.filter((vm) => vm.demand !== 0 || vm.moving);
}
