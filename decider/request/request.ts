import type { MigrateRequest } from '../../lib/contract/decision.ts';
import { GodwitError } from '../../lib/errors.ts';
import { expectedMs } from '../cost/learned.ts';
import { bytesToMove, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import { overloadParams } from '../overload/params.ts';
import { duration, round } from '../pipeline/format.ts';
import { pass } from '../pipeline/stage.ts';
import type { Verdict } from '../pipeline/verdict.ts';
import { signalParams } from '../signals/params.ts';
import { forecast, misfit, needOf, unusable } from '../target/fit.ts';
import { chooseTarget } from '../target/target.ts';
import { openFlights } from '../world/flights.ts';
import type { Flight, NodeState, Usage, WorkloadFacts, World } from '../world/model.ts';

interface Located {
  source: NodeState;
  facts: WorkloadFacts;
  usage: Usage;
}

/**
 * A person's wish, checked: thresholds, cost and cool-down do not count, safety does (one migration at a time, room at the target).
 * Throws E_UNKNOWN_WORKLOAD, E_UNKNOWN_NODE, E_INPUT, E_BUSY, E_PREFLIGHT or E_REFUSED.
 */
export function judgeRequest(world: World, request: MigrateRequest, now: number): Verdict {
  const flights = openFlights(world, now);
  const located = locate(world, request.workload, flights);
  const { source, facts, usage } = located;
  const target = request.target
    ? checkTarget(world, request.target, located, flights, now)
    : pickTarget(world, located, flights, now);
  const transfer = transferParams(world.policy.spec);
  const rate = usableBytesPerSecond({ source, target }, flights, transfer);
  const moveMs = expectedMs(world, facts.image, bytesToMove(usage.memoryBytes, facts), rate, transfer);
  const after = forecast(target, usage, flights);
  const sentence = `${request.workload} moves from ${source.name} to ${target.name}: a person asked for it; moving takes about ${duration(moveMs)}`;
  const report = pass('request', undefined, {
    summary: `${target.name} has room for it`,
    terms: {
      asked: request.target ?? null,
      migrationMs: round(moveMs, 0),
      cpuRatio: round(after.cpuRatio),
      memoryRatio: round(after.memoryRatio),
    },
  });
  return {
    verdict: 'migrate',
    trigger: 'manual',
    site: source.site,
    node: source.name,
    workload: request.workload,
    source: source.name,
    target: target.name,
    strategy: request.strategy === 'auto' ? facts.strategy : request.strategy,
    sentence,
    reports: [report.report],
  };
}

/** Where the workload runs; its usage as last seen, or what it requested. */
function locate(world: World, workload: string, flights: readonly Flight[]): Located {
  const flight = flights.find((open) => open.workload === workload);
  if (flight)
    throw new GodwitError('E_BUSY', `${workload} is under way from ${flight.source} to ${flight.target} already`, {
      next: `godwit describe migration ${flight.migration}`,
    });
  const hosts = [...world.nodes.values()].filter((node) => node.record?.workloads.has(workload));
  const [source, other] = hosts;
  const facts = source?.record?.workloads.get(workload);
  if (!source || !facts)
    throw new GodwitError('E_UNKNOWN_WORKLOAD', `no node reports a workload named ${workload}`, {
      next: 'godwit get workloads',
    });
  if (other) throw new GodwitError('E_REFUSED', `${workload} is reported by ${source.name} and by ${other.name}`);
  if (facts.obstacle) throw new GodwitError('E_PREFLIGHT', `${workload} can not move: ${facts.obstacle}`);
  const seen = source.workloads.get(workload);
  const cores = seen?.cores ?? facts.requestedCores ?? 0;
  const memoryBytes = seen?.memoryBytes ?? facts.requestedMemoryBytes ?? 0;
  return { source, facts, usage: { cores, memoryBytes } };
}

function checkTarget(
  world: World,
  name: string,
  { source, facts, usage }: Located,
  flights: readonly Flight[],
  now: number,
): NodeState {
  const { spec } = world.policy;
  const target = world.nodes.get(name);
  if (!target)
    throw new GodwitError('E_UNKNOWN_NODE', `no node named ${name} has joined`, { next: 'godwit get nodes' });
  if (target === source) throw new GodwitError('E_INPUT', `target: the workload runs on ${name} already`);
  const reason =
    unusable(source, target, now, signalParams(spec)) ??
    misfit(target, needOf(usage, facts), flights, overloadParams(spec).trigger);
  if (reason) throw new GodwitError('E_REFUSED', `${name} can not take it: ${reason}`);
  return target;
}

function pickTarget(world: World, { source, facts, usage }: Located, flights: readonly Flight[], now: number) {
  const ceiling = overloadParams(world.policy.spec).trigger;
  const target = chooseTarget(world, { need: needOf(usage, facts), source, ceiling, now }, flights);
  if (!target.ok) throw new GodwitError('E_REFUSED', target.report.summary);
  return target.value;
}
