import type { PolicySpec } from '../../../lib/contract/policy-spec.ts';
import { restsUntil } from '../../budget/cool-down.ts';
import { detectors } from '../../overload/detectors.ts';
import { count } from '../../overload/hold.ts';
import { rankVictims } from '../../victim/selections.ts';
import { newHold } from '../../world/model.ts';
import { migrationSeconds, stepSeconds } from './hardware.ts';
import { type Load, loadOf, peakOf, powerRise } from './load.ts';
import { type GodwitParams, type Memory, newMemory, paramsOf, rememberMoves } from './memory.ts';
import type { Migration } from './plan.ts';
import type { DatacenterPolicy } from './simulate.ts';
import type { Host, Vm } from './state.ts';

/** One step's decisions; nothing of it is done before it is complete. */
interface Round {
  hosts: readonly Host[];
  now: number;
  /** What each host will carry. */
  loads: Map<Host, Load>;
  migrations: Migration[];
}

/**
 * The stages of the decider in a data centre: detector with hold, victims that cover the excess down to release, rest after a move,
 * budgets. No target may exceed its fill threshold by what it and the VM have used at once in the stabilization window. In place of the
 * return home, hosts are emptied and switched off when others have room for all of their VMs. A policy keeps what it has seen.
 */
export function godwitPolicy(spec: PolicySpec): DatacenterPolicy {
  const params = paramsOf(spec);
  const memory = newMemory();
  return (center) => {
    if (params.budgets.paused) return [];
    for (const vm of center.vms) observe(memory, vm, params);
    const loads = new Map(center.hosts.map((host) => [host, loadOf(host.vms, memory.means, params.steps)]));
    const round: Round = { hosts: center.hosts, now: center.at * 1000, loads, migrations: [] };
    for (const host of center.hosts) relieve(round, host, memory, params);
    if (params.home.enabled) emptyLeastUsed(round, memory, params);
    rememberMoves(memory, round.migrations, round.now);
    return round.migrations;
  };
}

function observe(memory: Memory, vm: Vm, { weight }: GodwitParams): void {
  const mean = memory.means.get(vm) ?? vm.demand;
  memory.means.set(vm, mean + weight * (vm.demand - mean));
}

const on = (round: Round, host: Host): Load => round.loads.get(host) as Load;

function beyond({ type }: Host, { mean, profile }: Load, { overload }: GodwitParams): boolean {
  const history = Array.from(profile, (mips) => mips / type.totalMips);
  const series = { history, mean: mean / type.totalMips, horizon: () => 1 };
  return detectors[overload.detector](series, overload.detectorParams.cpu).beyond;
}

function relieve(round: Round, host: Host, memory: Memory, params: GodwitParams): void {
  const hold = memory.holds.get(host) ?? newHold();
  memory.holds.set(host, hold);
  count(hold, beyond(host, on(round, host), params), round.now, params.overload.hold);
  if (!hold.hot) return;
  while (beyond(host, on(round, host), params)) {
    const victims = ranked(round, host, memory, params);
    const search = { memory, params, hosts: round.hosts, excluded: new Set([host]) };
    const moved = victims.some((vm) => moveTo(round, vm, host, search));
    if (!moved) return;
    memory.holds.set(host, newHold());
  }
}

function ranked(round: Round, host: Host, memory: Memory, params: GodwitParams): Vm[] {
  const { victim } = params;
  const { vms, mean } = on(round, host);
  const excess = mean - victim.release.cpu * host.type.totalMips;
  const movables = vms
    .filter((vm) => !rests(vm, memory, params, round.now))
    .map((vm) => {
      const frees = memory.means.get(vm) ?? 0;
      const migrationMs = migrationSeconds(vm.type.memoryMb) * 1000;
      return { vm, name: vm.name, priority: 0, frees, covers: frees >= excess, migrationMs, history: vm.history };
    });
  return rankVictims(victim.selection, movables, `${victim.seed}/${host.index}/${round.now}`).map(({ vm }) => vm);
}

const rests = (vm: Vm, memory: Memory, { budgets }: GodwitParams, now: number): boolean =>
  restsUntil(memory.moves.get(vm) ?? [], budgets, now) > now;

/** All VMs of a host or none; a host that has been given one stays on. */
function emptyLeastUsed(round: Round, memory: Memory, params: GodwitParams): void {
  const hosts = round.hosts.filter((host) => on(round, host).vms.length > 0);
  const excluded = new Set<Host>();
  const given = new Set(round.migrations.map(({ target }) => target));
  const share = (host: Host): number => on(round, host).mean / host.type.totalMips;
  for (const host of hosts.toSorted((a, b) => share(a) - share(b))) {
    const { vms } = on(round, host);
    if (given.has(host) || vms.some((vm) => rests(vm, memory, params, round.now))) continue;
    const before = { loads: new Map(round.loads), count: round.migrations.length };
    excluded.add(host);
    const search = { memory, params, hosts, excluded };
    if (vms.toSorted((a, b) => b.demand - a.demand).every((vm) => moveTo(round, vm, host, search))) {
      for (const { target } of round.migrations.slice(before.count)) given.add(target);
      continue;
    }
    excluded.delete(host);
    round.loads = before.loads;
    round.migrations.length = before.count;
  }
}

interface Search {
  memory: Memory;
  params: GodwitParams;
  /** Those that are off among them may be switched on. */
  hosts: readonly Host[];
  excluded: ReadonlySet<Host>;
}

/** Plans the move to where the power rises least; false where no host fits or a budget is used up. */
function moveTo(round: Round, vm: Vm, from: Host, search: Search): boolean {
  const { memory, params } = search;
  const own = loadOf([vm], memory.means, params.steps);
  let best: Host | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const host of search.hosts) {
    if (search.excluded.has(host)) continue;
    const load = on(round, host);
    const rise = powerRise(host, load, own);
    if (rise >= least || !fits(host, load, own, params)) continue;
    least = rise;
    best = host;
  }
  if (!best || !hasTime(round, vm, from, best, params)) return false;
  const { vms } = on(round, from);
  round.loads.set(
    from,
    loadOf(
      vms.filter((other) => other !== vm),
      memory.means,
      params.steps,
    ),
  );
  round.loads.set(best, loadOf([...on(round, best).vms, vm], memory.means, params.steps));
  round.migrations.push({ vm, target: best });
  return true;
}

function fits({ type }: Host, load: Load, own: Load, params: GodwitParams): boolean {
  const nothing = { ...own, profile: new Float64Array(own.profile.length) };
  if (peakOf(own, nothing, params.windowSteps) > type.coreMips) return false;
  return peakOf(load, own, params.windowSteps) <= params.fill * type.totalMips;
}

/** Whether one more can be done before the next step, where so many go on at once, the others one after the other. */
function hasTime({ migrations }: Round, moved: Vm, from: Host, target: Host, { budgets }: GodwitParams): boolean {
  const within = (parallel: number, others: readonly Migration[]): boolean => {
    const seconds = others.reduce((sum, { vm }) => sum + migrationSeconds(vm.type.memoryMb), 0);
    return seconds + migrationSeconds(moved.type.memoryMb) <= parallel * stepSeconds;
  };
  const outbound = migrations.filter(({ vm }) => vm.host === from);
  const inbound = migrations.filter((migration) => migration.target === target);
  return (
    within(budgets.perCluster, migrations) &&
    within(budgets.outboundPerSite, outbound) &&
    within(budgets.inboundPerNode, inbound)
  );
}
