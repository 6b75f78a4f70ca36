import type { Move } from '../fleet.ts';

/** Prices of notes on the edge replay, in USD. */
export const prices = { podHour: 0.02, perGBUp: 0.02, perGBDown: 0.09 } as const;

/** What one day under one policy came to. */
export interface Score {
  /** Share of steps in which a node is asked for its capacity or more, mean over the nodes. */
  otf: number;
  /** Share of the demand that stands above capacity. */
  unmet: number;
  offloads: number;
  returns: number;
  /** A workload is offloaded again within 60 minutes. */
  pingPongs60: number;
  gbUp: number;
  gbDown: number;
  podHoursCloud: number;
  cost: number;
}

/** Demand of one node over a day, in cores. */
export interface NodeLoad {
  overloadedSteps: number;
  steps: number;
  unmet: number;
  demand: number;
}

const hourMs = 3_600_000;
const gigabyte = 1e9;

/** `endAt`: end of the day, where a workload that is away is counted no longer. Traffic counts when a transfer is decided. */
export function scoreOf(loads: readonly NodeLoad[], moves: readonly Move[], endAt: number): Score {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const offloads = moves.filter(({ action }) => action === 'offload');
  const returns = moves.filter(({ action }) => action === 'return');
  const gbUp = sum(offloads.map(({ bytes }) => bytes)) / gigabyte;
  const gbDown = sum(returns.map(({ bytes }) => bytes)) / gigabyte;
  const podHoursCloud = hoursAway(moves, endAt);
  return {
    otf: sum(loads.map((load) => load.overloadedSteps / load.steps)) / loads.length,
    unmet: sum(loads.map(({ unmet }) => unmet)) / (sum(loads.map(({ demand }) => demand)) || 1),
    offloads: offloads.length,
    returns: returns.length,
    pingPongs60: pingPongs(offloads, hourMs),
    gbUp,
    gbDown,
    podHoursCloud,
    cost: podHoursCloud * prices.podHour + gbUp * prices.perGBUp + gbDown * prices.perGBDown,
  };
}

/** From the end of the way up to the end of the way back. */
function hoursAway(moves: readonly Move[], endAt: number): number {
  const until = (at: number): number => Math.min(at, endAt);
  let ms = 0;
  for (const { action, endedAt } of moves) ms += (action === 'offload' ? 1 : -1) * (endAt - until(endedAt));
  return ms / hourMs;
}

function pingPongs(offloads: readonly Move[], withinMs: number): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const { workload, source, decidedAt } of offloads.toSorted((a, b) => a.decidedAt - b.decidedAt)) {
    const key = `${source}/${workload}`;
    if (decidedAt - (last.get(key) ?? Number.NEGATIVE_INFINITY) <= withinMs) count++;
    last.set(key, decidedAt);
  }
  return count;
}
