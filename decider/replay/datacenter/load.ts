import { powerAt } from './hardware.ts';
import type { Host, Vm } from './state.ts';

/** What some VMs ask for together, in MIPS. */
export interface Load {
  vms: readonly Vm[];
  /** Sum of their moving averages. */
  mean: number;
  /** In each of the last steps, oldest first. */
  profile: Float64Array;
}

export type Means = ReadonlyMap<Vm, number>;

export function loadOf(vms: readonly Vm[], means: Means, steps: number): Load {
  const profile = new Float64Array(steps);
  let mean = 0;
  for (const vm of vms) {
    mean += means.get(vm) ?? 0;
    const ahead = steps - vm.history.length;
    for (let index = Math.max(0, -ahead); index < vm.history.length; index++)
      profile[ahead + index] = (profile[ahead + index] ?? 0) + (vm.history[index] ?? 0) * vm.type.mips;
  }
  return { vms, mean, profile };
}

/** Highest that both have asked for together in the last `steps`. */
export function peakOf(a: Load, b: Load, steps: number): number {
  let peak = 0;
  for (let index = a.profile.length - steps; index < a.profile.length; index++)
    peak = Math.max(peak, (a.profile[index] ?? 0) + (b.profile[index] ?? 0));
  return peak;
}

/** Watts that `added` would cost on a host with this load; an empty one is off. */
export function powerRise({ type }: Host, load: Load, added: Load): number {
  const watts = (mips: number): number => powerAt(type, Math.min(1, mips / type.totalMips));
  return watts(load.mean + added.mean) - (load.vms.length === 0 ? 0 : watts(load.mean));
}
