import type { Decision } from '../../lib/contract/decision.ts';
import type { MigrationEvent } from '../../lib/contract/migration.ts';
import type { Policy } from '../../lib/contract/policy.ts';
import type { Telemetry } from '../../lib/contract/telemetry.ts';
import { learn } from '../cost/learned.ts';
import { countOverload } from '../overload/overload.ts';
import { overloadParams } from '../overload/params.ts';
import { trackCalm } from '../return-home/calm.ts';
import { signalParams } from '../signals/params.ts';
import { observe, resetCounts } from '../signals/signals.ts';
import { weighFlights } from './flights.ts';
import type { Flight, NodeState, Usage, World } from './model.ts';
import { placeNode } from './nodes.ts';
import { stayOf } from './stays.ts';

/** Folds one sample; false when it was seen before and nothing changed. */
export function applyTelemetry(world: World, sample: Telemetry): boolean {
  const { spec } = world.policy;
  const node = placeNode(world, sample.node, sample.site, sample.tier);
  const seen = observe(node, sample, signalParams(spec));
  if (seen === 'repeat') return false;
  if (sample.at >= node.countedFrom) countOverload(node, overloadParams(spec));
  weighFlights(world, node);
  trackCalm(world, node, seen === 'joined');
  return true;
}

export function applyPolicy(world: World, policy: Policy): void {
  world.policy = policy;
  world.stays.clear();
}

/** A decision with a migration reserves its workload, its target's room and its budgets; a "no" is remembered. */
export function applyDecision(world: World, decision: Decision): void {
  const { migration, workload, source, target } = decision;
  const { subject, reason } = stayOf(decision);
  const older = decision.at < (world.stays.get(subject)?.at ?? 0);
  if (!migration) {
    if (decision.trigger !== 'manual' && !older) world.stays.set(subject, { reason, at: decision.at });
    return;
  }
  if (!older) world.stays.delete(subject);
  if (!workload || !source || !target || world.flights.has(migration) || world.ended.has(migration)) return;
  const { trigger, at, id, site } = decision;
  const load = world.nodes.get(source)?.workloads.get(workload);
  world.flights.set(migration, {
    migration,
    decision: id,
    workload,
    site,
    source,
    target,
    requested: requestOf(world, source, workload),
    trigger,
    issuedAt: at,
    image: imageOf(world, [source, target], workload),
    started: false,
    cores: load?.cores ?? 0,
    memoryBytes: load?.memoryBytes ?? 0,
  });
}

/** An event proves that the command was taken up; a terminal one ends the flight. In doubt, the workload stays occupied. */
export function applyMigration(world: World, event: MigrationEvent): void {
  if (world.ended.has(event.id)) return;
  const flight = world.flights.get(event.id) ?? openedBy(world, event);
  flight.started = true;
  if (event.result === undefined || event.result === 'in-doubt') return;
  world.flights.delete(event.id);
  world.ended.set(event.id, event.at);
  remember(world, flight, event);
  learn(world, flight, event);
  land(world, flight, event);
}

/** After a restart the events of the past are read when the workload runs at the target already. */
function imageOf(world: World, nodes: readonly string[], workload: string): string | undefined {
  for (const node of nodes) {
    const facts = world.nodes.get(node)?.record?.workloads.get(workload);
    if (facts) return facts.image;
  }
  return undefined;
}

function requestOf(world: World, source: string, workload: string): Usage {
  const facts = world.nodes.get(source)?.record?.workloads.get(workload);
  return { cores: facts?.requestedCores ?? 0, memoryBytes: facts?.requestedMemoryBytes ?? 0 };
}

function openedBy(world: World, event: MigrationEvent): Flight {
  const { id, decision, workload, source, target, trigger, at } = event;
  const load = world.nodes.get(source)?.workloads.get(workload);
  const flight = {
    migration: id,
    decision,
    workload,
    site: world.nodes.get(source)?.site ?? '',
    source,
    target,
    requested: requestOf(world, source, workload),
    trigger,
    issuedAt: at,
    image: imageOf(world, [source, target], workload),
    started: true,
    cores: load?.cores ?? 0,
    memoryBytes: load?.memoryBytes ?? 0,
  };
  world.flights.set(id, flight);
  return flight;
}

function remember(world: World, flight: Flight, event: MigrationEvent): void {
  const oldest = event.at - world.policy.spec.budgets.migrationHistoryWindow;
  const durationMs = event.measurements?.totalMs ?? Math.max(0, event.at - flight.issuedAt);
  const moves = (world.history.get(flight.workload) ?? []).filter((move) => move.endedAt > oldest);
  moves.push({ migration: event.id, endedAt: event.at, durationMs, result: event.result ?? 'failed' });
  world.history.set(
    flight.workload,
    moves.sort((a, b) => a.endedAt - b.endedAt),
  );
  for (const [migration, endedAt] of world.ended) {
    if (endedAt > oldest) break;
    world.ended.delete(migration);
  }
}

/** A move changes the load of both nodes: what has been counted there says nothing any more. */
function land(world: World, flight: Flight, event: MigrationEvent): void {
  const source = world.nodes.get(flight.source);
  const target = world.nodes.get(flight.target);
  for (const node of [source, target]) {
    if (!node) continue;
    resetCounts(node);
    node.countedFrom = Math.max(node.countedFrom, event.at);
  }
  if (event.result === 'succeeded') target?.arrivals.set(flight.workload, arrivalOf(flight, target));
}

const arrivalOf = (flight: Flight, target: NodeState) => ({
  cores: flight.cores,
  memoryBytes: flight.memoryBytes,
  since: target.at,
});
