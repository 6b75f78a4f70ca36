import { checkBudget } from '../budget/budget.ts';
import { restsUntil } from '../budget/cool-down.ts';
import { budgetParams } from '../budget/params.ts';
import { expectedMs } from '../cost/learned.ts';
import { bytesToMove, transferParams, usableBytesPerSecond } from '../cost/migration-time.ts';
import { duration, percent, round } from '../pipeline/format.ts';
import { pass, type StageResult, stop } from '../pipeline/stage.ts';
import type { Verdict } from '../pipeline/verdict.ts';
import { signalParams } from '../signals/params.ts';
import { misfit, needOf, unusable } from '../target/fit.ts';
import { openFlights } from '../world/flights.ts';
import type { AwayState, Flight, NodeState, WorkloadFacts, WorkloadState, World } from '../world/model.ts';
import { type ReturnParams, returnParams } from './params.ts';

interface Homecoming {
  state: AwayState;
  home: NodeState;
  away: NodeState;
  workload: WorkloadState;
  facts: WorkloadFacts;
}

/** Judges each workload that is away from `home`, one after the other; nothing is said of one that nothing is known of. */
export function* judgeReturns(world: World, home: NodeState, now: number): Generator<Verdict> {
  const params = returnParams(world.policy.spec);
  if (!params.enabled) return;
  for (const state of world.away.get(home.name)?.values() ?? []) {
    const homecoming = homecomingOf(world, state, home);
    const leaves = openFlights(world, now).some((flight) => flight.workload === state.workload);
    if (homecoming && !leaves) yield judge(world, homecoming, params, now);
  }
}

function homecomingOf(world: World, state: AwayState, home: NodeState): Homecoming | undefined {
  const away = world.nodes.get(state.node);
  const workload = away?.workloads.get(state.workload);
  const facts = away?.record?.workloads.get(state.workload);
  if (!away || !workload || !facts?.migrate || facts.obstacle) return undefined;
  return { state, home, away, workload, facts };
}

function judge(world: World, homecoming: Homecoming, params: ReturnParams, now: number): Verdict {
  const { home, away, workload, facts } = homecoming;
  const flights = openFlights(world, now);
  const calm = checkCalm(world, homecoming, flights, params, now);
  const budget = calm.ok
    ? checkBudget({ source: away, target: home }, flights, budgetParams(world.policy.spec))
    : undefined;
  const reports = budget ? [calm.report, budget.report] : [calm.report];
  const goes = budget?.ok === true;
  const why = reports.at(-1)?.summary ?? '';
  return {
    verdict: goes ? 'migrate' : 'stay',
    trigger: 'return',
    site: away.site,
    node: away.name,
    workload: workload.name,
    source: away.name,
    target: home.name,
    strategy: facts.strategy,
    sentence: goes
      ? `${workload.name} returns home from ${away.name} to ${home.name}: ${calm.report.summary}`
      : `${workload.name} stays on ${away.name}, away from ${home.name}: ${why}`,
    reports,
  };
}

function checkCalm(
  world: World,
  { state, home, away, workload, facts }: Homecoming,
  flights: readonly Flight[],
  params: ReturnParams,
  now: number,
): StageResult<undefined> {
  const terms = termsOf(state, params);
  const no = (reason: string, summary: string) => stop('return', reason, { summary, terms });
  const flight = flights.find((open) => open.workload === workload.name || isReturnTo(open, home, world));
  if (flight)
    return no('in-flight', `${flight.workload} is under way already (${flight.migration}); one comes home at a time`);
  const calmMs = state.calmSince === undefined ? 0 : state.lastAt - state.calmSince;
  if (calmMs < params.windowMs) return no('not-calm', notCalm(state, home, params, calmMs));
  const reason = unusable(away, home, now, signalParams(world.policy.spec));
  if (reason) return no('home', `${home.name} can not take it: ${reason}`);
  const until = restsUntil(world.history.get(workload.name) ?? [], budgetParams(world.policy.spec), now);
  if (until > now) return no('cool-down', `it rests for another ${duration(until - now)} after its last move`);
  const tight = misfit(home, needOf(workload, facts), flights, params.ceiling);
  if (tight) return no('fit', `it does not fit ${home.name}: ${tight}`);
  return pass('return', undefined, {
    summary: calmText(world, state, home, away, workload, facts, flights, params),
    terms,
  });
}

const isReturnTo = (flight: Flight, home: NodeState, world: World): boolean =>
  flight.target === home.name && world.away.get(home.name)?.has(flight.workload) === true;

function termsOf(state: AwayState, params: ReturnParams) {
  return {
    cpuRatio: round(state.peakCpuRatio),
    memoryRatio: round(state.peakMemoryRatio),
    cpuThreshold: params.ceiling.cpu,
    memoryThreshold: params.ceiling.memory,
    calmMs: state.calmSince === undefined ? 0 : state.lastAt - state.calmSince,
    windowMs: params.windowMs,
  };
}

function notCalm(state: AwayState, home: NodeState, { ceiling, windowMs }: ReturnParams, calmMs: number): string {
  const level = `with it ${home.name} stands at ${percent(state.peakCpuRatio)} CPU and ${percent(state.peakMemoryRatio)} memory`;
  return `${level}; it must be at most ${percent(ceiling.cpu)} and ${percent(ceiling.memory)} for ${duration(windowMs)}, and was for ${duration(calmMs)}`;
}

function calmText(
  world: World,
  state: AwayState,
  home: NodeState,
  away: NodeState,
  workload: WorkloadState,
  facts: WorkloadFacts,
  flights: readonly Flight[],
  params: ReturnParams,
): string {
  const transfer = transferParams(world.policy.spec);
  const rate = usableBytesPerSecond({ source: away, target: home }, flights, transfer);
  const ms = expectedMs(world, facts.image, bytesToMove(workload.memoryBytes, facts), rate, transfer);
  return `for ${duration(params.windowMs)} ${home.name} would have stood at no more than ${percent(state.peakCpuRatio)} CPU with it (return threshold ${percent(params.ceiling.cpu)}); moving takes about ${duration(ms)}`;
}
