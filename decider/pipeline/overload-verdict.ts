import type { StageReport } from '../../lib/contract/decision.ts';
import { checkBudget } from '../budget/budget.ts';
import { budgetParams } from '../budget/params.ts';
import { checkCost } from '../cost/cost.ts';
import { expectedMs, learnedOf } from '../cost/learned.ts';
import { dumpBytesPerSecond, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import { costParams } from '../cost/params.ts';
import { type Finding, findOverload } from '../overload/overload.ts';
import { overloadParams } from '../overload/params.ts';
import { lastedMs, overloadReport, overloadText, signalsReport } from '../overload/report.ts';
import { needOf } from '../target/fit.ts';
import { targetParams } from '../target/params.ts';
import { chooseTarget } from '../target/target.ts';
import { victimParams } from '../victim/params.ts';
import { beingRelieved, chooseVictim, type Victim } from '../victim/victim.ts';
import { openFlights } from '../world/flights.ts';
import { type Flight, type NodeState, ratioOf, type World } from '../world/model.ts';
import { duration } from './format.ts';
import type { Verdict } from './verdict.ts';

/**
 * Runs the pipeline for each finding, worst first, until one leads to a move; else says why the worst leads to none. What leaves
 * already is no reason to say anything.
 */
export function judgeOverload(world: World, node: NodeState, now: number): Verdict | undefined {
  const findings = findOverload(node, overloadParams(world.policy.spec));
  if (findings.length === 0) return undefined;
  const flights = openFlights(world, now);
  let worst: Verdict | undefined;
  for (const finding of findings) {
    const verdict = judgeFinding(world, node, finding, flights, now);
    if (verdict.verdict === 'migrate') return verdict;
    if (verdict.reports.at(-1)?.terms.reason !== beingRelieved) worst ??= verdict;
  }
  return worst;
}

function judgeFinding(world: World, node: NodeState, finding: Finding, flights: Flight[], now: number): Verdict {
  const { spec } = world.policy;
  const reports = [signalsReport(node, now), overloadReport(node, finding)];
  const stay = (report: StageReport, workload = finding.workload): Verdict =>
    stayVerdict(node, finding, workload, [...reports, report]);

  const victim = chooseVictim(world, node, finding, flights, now);
  if (!victim.ok) return stay(victim.report);
  reports.push(victim.report);

  const { workload, facts } = victim.value;
  const placement = { need: needOf(workload, facts), source: node, ceiling: targetParams(spec).fill, now };
  const target = chooseTarget(world, placement, flights);
  if (!target.ok) return stay(target.report, workload.name);
  reports.push(target.report);

  const transfer = transferParams(spec);
  const rate = usableBytesPerSecond({ source: node, target: target.value }, flights, transfer);
  const moveMs = expectedMs(world, facts.image, victim.value.bytes, rate, transfer);
  const { timeFactor, dumpFactor, dirtyBytesPerSecond } = learnedOf(world, facts.image);
  const learned = {
    ...{ migrationMs: moveMs, timeFactor, dirtyBytesPerSecond },
    dumpBytesPerSecond: dumpBytesPerSecond(rate, transfer, dumpFactor),
  };
  const cost = checkCost({ ...costInput(world, node, finding, victim.value), ...learned }, costParams(spec));
  if (!cost.ok) return stay(cost.report, workload.name);
  reports.push(cost.report);

  const budget = checkBudget({ source: node, target: target.value }, flights, budgetParams(spec));
  if (!budget.ok) return stay(budget.report, workload.name);
  reports.push(budget.report);
  const move = `${workload.name} moves from ${node.name} to ${target.value.name}`;
  return {
    ...shared(node, workload.name, reports),
    verdict: 'migrate',
    target: target.value.name,
    strategy: facts.strategy,
    sentence: `${move}: ${overloadText(node, finding)}; ${victim.report.summary}; moving takes about ${duration(moveMs)}`,
  };
}

function stayVerdict(node: NodeState, finding: Finding, workload: string | undefined, reports: StageReport[]): Verdict {
  const why = reports.at(-1)?.summary ?? '';
  return {
    ...shared(node, workload, reports),
    verdict: 'stay',
    sentence: `nothing leaves ${node.name}: ${overloadText(node, finding)}, but ${why}`,
  };
}

const shared = (node: NodeState, workload: string | undefined, reports: StageReport[]) => ({
  trigger: 'overload' as const,
  site: node.site,
  node: node.name,
  source: node.name,
  ...(workload !== undefined && { workload }),
  reports,
});

function costInput(world: World, node: NodeState, finding: Finding, victim: Victim) {
  const { release } = victimParams(world.policy.spec);
  const memoryRatio = ratioOf(node.memory.latest, node.memory.capacity);
  const scarce = finding.kind === 'memory';
  return {
    usage: victim.workload,
    bytes: victim.bytes,
    excessCores: scarce ? Math.max(0, node.cpu.mean - release.cpu * node.cpu.capacity) : victim.excess.amount,
    outOfMemoryProbability: scarce
      ? Math.min(1, Math.max(0, (memoryRatio - release.memory) / (1 - release.memory)))
      : 0,
    overloadMs: lastedMs(node, finding),
  };
}
