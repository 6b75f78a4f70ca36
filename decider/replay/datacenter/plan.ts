import { powerAt } from './hardware.ts';
import { type Datacenter, type Host, utilization, type Vm } from './state.ts';

/** A host as it would be: what is moved here in thought does not change the host. */
export interface PlannedHost {
  host: Host;
  vms: readonly Vm[];
  /** MIPS asked for. */
  demand: number;
  /** MIPS that they would get, were there enough: a core each at most. */
  wanted: number;
}

export interface Plan {
  hosts: PlannedHost[];
  /** By the host where each VM runs. */
  of(host: Host): PlannedHost;
}

export interface Migration {
  vm: Vm;
  target: Host;
}

export function planOf(center: Datacenter): Plan {
  const hosts = center.hosts.map((host) => planned(host, host.vms));
  return { hosts, of: (host) => hosts[host.index] as PlannedHost };
}

export function planned(host: Host, vms: readonly Vm[]): PlannedHost {
  const { coreMips } = host.type;
  let demand = 0;
  let wanted = 0;
  for (const vm of vms) {
    demand += vm.demand;
    wanted += Math.min(vm.demand, coreMips);
  }
  return { host, vms, demand, wanted };
}

export const withVm = ({ host, vms, demand, wanted }: PlannedHost, vm: Vm): PlannedHost => ({
  host,
  vms: [...vms, vm],
  demand: demand + vm.demand,
  wanted: wanted + Math.min(vm.demand, host.type.coreMips),
});

export const withoutVm = ({ host, vms }: PlannedHost, vm: Vm): PlannedHost =>
  planned(
    host,
    vms.filter((other) => other !== vm),
  );

/**
 * Power-aware best fit: the host whose power rises least, as far as `vm` does not overload it. As in CloudSim the rise counts from the
 * host's use at the last update, so that what was placed there in this round counts against it; a host that is off counts as idling.
 */
export function leastPowerIncrease(
  plan: Plan,
  vm: Vm,
  excluded: ReadonlySet<Host>,
  overloaded: (planned: PlannedHost) => boolean,
): PlannedHost | undefined {
  let best: PlannedHost | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of plan.hosts) {
    const { host, wanted } = candidate;
    const { coreMips, totalMips } = host.type;
    if (excluded.has(host) || vm.demand > coreMips || vm.demand > Math.max(0, totalMips - wanted)) continue;
    const rise = powerAt(host.type, (wanted + vm.demand) / totalMips) - powerAt(host.type, utilization(host));
    if (rise >= least) continue;
    if (wanted !== 0 && overloaded(withVm(candidate, vm))) continue;
    least = rise;
    best = candidate;
  }
  return best;
}
