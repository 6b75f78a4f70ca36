import type { Flight, NodeState, Usage, World } from './model.ts';

/** An event may still come this long after a command has expired. */
const graceMs = 30_000;

export const isVoid = (flight: Flight, now: number, expirationMs: number): boolean =>
  !flight.started && now > flight.issuedAt + expirationMs + graceMs;

/** The migrations under way. A command that nobody took up in time is none; one that has started lasts until it says so. */
export function openFlights(world: World, now: number): Flight[] {
  const expirationMs = world.policy.spec.budgets.commandExpiration;
  for (const flight of world.flights.values())
    if (isVoid(flight, now, expirationMs)) world.flights.delete(flight.migration);
  return [...world.flights.values()];
}

/** Keeps the flights' share of their source current while the workloads still run there. */
export function weighFlights(world: World, source: NodeState): void {
  for (const flight of world.flights.values()) {
    if (flight.source !== source.name) continue;
    const workload = source.workloads.get(flight.workload);
    if (!workload) continue;
    flight.cores = workload.cores;
    flight.memoryBytes = workload.memoryBytes;
  }
}

/** What will have left the node once its flights have landed; a workload still counts there until then. */
export function leaving(node: NodeState, flights: readonly Flight[]): Usage {
  return sum(flights.filter((flight) => flight.source === node.name && node.workloads.has(flight.workload)));
}

/** What the node has promised room to, as far as its samples do not show it yet: a held copy uses no CPU. */
export function arriving(node: NodeState, flights: readonly Flight[]): Usage {
  const total = { cores: 0, memoryBytes: 0 };
  const add = (workload: string, expected: Usage): void => {
    const shown = node.workloads.get(workload);
    total.cores += Math.max(0, expected.cores - (shown?.cores ?? 0));
    total.memoryBytes += Math.max(0, expected.memoryBytes - (shown?.memoryBytes ?? 0));
  };
  for (const flight of flights) if (flight.target === node.name) add(flight.workload, flight);
  for (const [workload, arrival] of node.arrivals) add(workload, arrival);
  return total;
}

export function sum(usages: Iterable<Usage>): Usage {
  const total = { cores: 0, memoryBytes: 0 };
  for (const usage of usages) {
    total.cores += usage.cores;
    total.memoryBytes += usage.memoryBytes;
  }
  return total;
}
