import { GodwitError } from '../../../lib/errors.ts';
import { advance, startSeconds, updateHost } from './advance.ts';
import { daySeconds, migrationSeconds, stepSeconds } from './hardware.ts';
import { leastPowerIncrease, type Migration, planOf, withVm } from './plan.ts';
import { shutdownsOf } from './records.ts';
import { createDatacenter, type Datacenter, type Vm } from './state.ts';

export interface Trace {
  name: string;
  /** CPU, one value a step of 300 s. */
  percent: readonly number[];
}

/** What moves now; asked once a step, when no migration is under way. */
export type DatacenterPolicy = (center: Datacenter) => Migration[];

/** As the runner of CloudSim computes them: ratios of sums over all hosts and VMs. */
export interface DatacenterResult {
  energyKwh: number;
  /** Share of the hosts' active time in which they gave less than what was asked for. */
  slatah: number;
  /** Share of all asked for that was not given because of migrations. */
  pdm: number;
  /** slatah x pdm */
  slav: number;
  /** energyKwh x slav */
  esv: number;
  migrations: number;
  hostShutdowns: number;
}

/**
 * Runs one day. @param traces sorted by name: the order gives the VMs their types and their first hosts
 * @throws E_INPUT where they are no day, or more than the hosts can take
 */
export function simulate(traces: readonly Trace[], policy: DatacenterPolicy): DatacenterResult {
  const short = traces.find(({ percent }) => percent.length !== daySeconds / stepSeconds);
  if (short) throw new GodwitError('E_INPUT', `${short.name}: expected 288 samples, received ${short.percent.length}`);
  if (traces.length === 0) throw new GodwitError('E_INPUT', 'expected at least one trace, received none');
  const center = createDatacenter(traces);
  placeAll(center);
  for (let at = startSeconds + stepSeconds; at < daySeconds; at += stepSeconds) {
    advance(center, at);
    const migrations = policy(center);
    for (const migration of migrations) start(center, migration);
    for (const [endsAt, batch] of byEnd(migrations, at)) finish(center, batch, endsAt);
  }
  return resultOf(center);
}

/** At first each VM asks for all of its MIPS and memory, and has them for itself. */
function placeAll(center: Datacenter): void {
  const plan = planOf(center);
  const freeMb = center.hosts.map(({ type }) => type.memoryMb);
  for (const vm of center.vms) {
    vm.demand = vm.type.mips;
    const full = new Set(center.hosts.filter(({ index }) => (freeMb[index] ?? 0) < vm.type.memoryMb));
    const target = leastPowerIncrease(plan, vm, full, () => false);
    if (!target) throw new GodwitError('E_INPUT', `no host can take ${vm.name}: there are more traces than room`);
    plan.hosts[target.host.index] = withVm(target, vm);
    freeMb[target.host.index] = (freeMb[target.host.index] ?? 0) - vm.type.memoryMb;
    target.host.vms.push(vm);
    vm.host = target.host;
  }
}

function start(center: Datacenter, { vm, target }: Migration): void {
  center.migrations++;
  vm.moving = true;
  target.arriving.add(vm);
  target.vms.push(vm);
  updateHost(target, center.at);
  if (vm.host) updateHost(vm.host, center.at);
}

/** Equal memory takes equal time: such migrations end together. */
function byEnd(migrations: readonly Migration[], at: number): [number, Migration[]][] {
  const batches = Map.groupBy(migrations, ({ vm }) => at + migrationSeconds(vm.type.memoryMb));
  return [...batches].sort(([a], [b]) => a - b);
}

function finish(center: Datacenter, batch: readonly Migration[], at: number): void {
  advance(center, at);
  for (const { vm, target } of batch) {
    if (vm.host) leave(vm.host.vms, vm);
    leave(target.vms, vm);
    target.arriving.delete(vm);
    vm.moving = false;
    target.vms.push(vm);
    vm.host = target;
  }
  advance(center, at);
}

function leave(vms: Vm[], vm: Vm): void {
  const index = vms.indexOf(vm);
  if (index >= 0) vms.splice(index, 1);
}

function resultOf(center: Datacenter): DatacenterResult {
  const sum = <T>(list: readonly T[], value: (one: T) => number): number =>
    list.reduce((total, one) => total + value(one), 0);
  const { hosts, vms, migrations } = center;
  const energyKwh = center.joules / 3.6e6;
  const active = sum(hosts, ({ record }) => record.activeSeconds);
  const requested = sum(vms, ({ record }) => record.requested);
  const slatah = active > 0 ? sum(hosts, ({ record }) => record.violatedSeconds) / active : 0;
  const pdm = requested > 0 ? sum(vms, ({ record }) => record.degraded) / requested : 0;
  const slav = slatah * pdm;
  const hostShutdowns = sum(hosts, ({ record }) => shutdownsOf(record));
  return { energyKwh, slatah, pdm, slav, esv: energyKwh * slav, migrations, hostShutdowns };
}
