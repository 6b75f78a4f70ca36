import { leastPowerIncrease, type Migration, type Plan, type PlannedHost, planOf, withoutVm, withVm } from './plan.ts';
import { type Datacenter, type Host, utilization, type Vm } from './state.ts';

/** What differs from baseline to baseline. */
export interface Rules {
  overloaded(planned: PlannedHost): boolean;
  /** Of the VMs of an overloaded host, the next one to leave; undefined where there is none. */
  victim(planned: PlannedHost): Vm | undefined;
}

/**
 * One round of CloudSim's consolidation: relieve the overloaded hosts, then empty the least used ones as long as all of their VMs
 * find a place. Its defects are kept: a VM that was just placed on a host counts as that host's own and may be moved on, twice.
 */
export function consolidate(center: Datacenter, rules: Rules): Migration[] {
  const plan = planOf(center);
  const overloaded = new Set(plan.hosts.filter(rules.overloaded).map(({ host }) => host));
  const victims = [...overloaded].flatMap((host) => relieve(plan, host, rules));
  const migrations = place(plan, victims, overloaded, rules).migrations;
  return [...migrations, ...emptyLeastUsed(plan, overloaded, rules)];
}

function relieve(plan: Plan, host: Host, rules: Rules): Vm[] {
  const victims: Vm[] = [];
  for (;;) {
    const before = plan.of(host);
    const vm = rules.victim(before);
    if (!vm) return victims;
    victims.push(vm);
    const after = withoutVm(before, vm);
    plan.hosts[host.index] = after;
    if (!rules.overloaded(after)) return victims;
  }
}

/** Places the most demanding first; those that find no place stay where they are. */
function place(plan: Plan, vms: readonly Vm[], excluded: ReadonlySet<Host>, rules: Rules) {
  const migrations: Migration[] = [];
  for (const vm of vms.toSorted((a, b) => b.demand - a.demand)) {
    const target = leastPowerIncrease(plan, vm, excluded, rules.overloaded);
    if (!target) continue;
    plan.hosts[target.host.index] = withVm(target, vm);
    migrations.push({ vm, target: target.host });
  }
  return { migrations, all: migrations.length === vms.length };
}

function emptyLeastUsed(plan: Plan, overloaded: ReadonlySet<Host>, rules: Rules): Migration[] {
  const off = plan.hosts.map(({ host }) => host).filter((host) => utilization(host) === 0);
  const closed = new Set([...overloaded, ...off]);
  const passed = new Set(closed);
  const migrations: Migration[] = [];
  for (let least = leastUsed(plan, passed); least; least = leastUsed(plan, passed)) {
    passed.add(least.host);
    closed.add(least.host);
    const before = [...plan.hosts];
    const placed = place(plan, least.vms, closed, rules);
    if (!placed.all) {
      plan.hosts.splice(0, plan.hosts.length, ...before);
      continue;
    }
    for (const { target } of placed.migrations) passed.add(target);
    migrations.push(...placed.migrations);
  }
  return migrations;
}

function leastUsed(plan: Plan, passed: ReadonlySet<Host>): PlannedHost | undefined {
  let least: PlannedHost | undefined;
  for (const candidate of plan.hosts) {
    const { host, vms } = candidate;
    if (passed.has(host) || vms.length === 0) continue;
    const use = utilization(host);
    if (use > 0 && use < (least ? utilization(least.host) : 1)) least = candidate;
  }
  return least;
}
