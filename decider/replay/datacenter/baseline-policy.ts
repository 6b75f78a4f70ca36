import type { Baseline } from '../../baseline/baseline.ts';
import { detectors } from '../../overload/detectors.ts';
import { victimSelections } from '../../victim/selections.ts';
import { consolidate } from './consolidate.ts';
import { migrationSeconds, stepSeconds } from './hardware.ts';
import type { PlannedHost } from './plan.ts';
import type { DatacenterPolicy } from './simulate.ts';
import type { Vm } from './state.ts';

/** A policy of the literature. @param seed of the lots that RS draws */
export function baselinePolicy({ detector, params, victim }: Baseline, seed: number): DatacenterPolicy {
  const detect = detectors[detector];
  const looksBack = detector !== 'THR';
  const overloaded = (planned: PlannedHost): boolean => {
    const now = planned.demand / planned.host.type.totalMips;
    const history = looksBack ? historyOf(planned).with(-1, now) : [now];
    return detect({ history, mean: averageOf(history), horizon: () => horizonOf(planned.vms) }, params).beyond;
  };
  return (center) => {
    const order = `${seed}/${center.at}`;
    return consolidate(center, {
      overloaded,
      victim: ({ vms }) => {
        const movables = vms.map((vm) => movableOf(vm, victim === 'MU'));
        return movables.toSorted(victimSelections[victim](movables, order))[0]?.vm;
      },
    });
  };
}

/** CloudSim's MU takes the least used by the share of its own MIPS; elsewhere the first of equals is taken. */
const movableOf = (vm: Vm, byUse: boolean) => ({
  vm,
  name: vm.name,
  priority: 0,
  frees: byUse ? vm.demand / vm.type.mips : 0,
  covers: false,
  migrationMs: migrationSeconds(vm.type.memoryMb) * 1000,
  history: vm.history,
});

/** What the VMs that are here now have used of the host, oldest first, without leading zeros. */
function historyOf({ host, vms }: PlannedHost): number[] {
  let length = 1;
  for (const { history } of vms) length = Math.max(length, history.length);
  const shares = Array<number>(length).fill(0);
  for (const { type, history } of vms) {
    const weight = type.mips / host.type.totalMips;
    const from = length - history.length;
    for (let index = 0; index < history.length; index++)
      shares[from + index] = (shares[from + index] ?? 0) + (history[index] ?? 0) * weight;
  }
  const first = shares.findIndex((share) => share !== 0);
  return first < 0 ? [0] : shares.slice(first);
}

/** EWMA of the baselines: newest sample with weight 0.3. */
function averageOf(history: readonly number[]): number {
  return history.reduce((mean, share) => mean + 0.3 * (share - mean), history[0] ?? 0);
}

const horizonOf = (vms: readonly Vm[]): number =>
  Math.ceil(Math.max(0, ...vms.map(({ type }) => migrationSeconds(type.memoryMb))) / stepSeconds);
