import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlanetLabRow } from '../read/planetlab.ts';
import { eventLines } from './events.ts';
import { inIntervals, namedPolicy } from './policies.ts';
import { replayEdge } from './replay.ts';
import { type EdgeSetup, edgeNodes, memoryMegabytes } from './setup.ts';

const stepS = 300;
const setup: EdgeSetup = { capacityPoints: 100, uplinkMBps: 2.5, seed: 1 };
/** Usage that rises to `high` in the given steps. */
const row = (name: string, node: string, usage: number[]): PlanetLabRow => ({ trace: name, node, usage });
const flat = (points: number, steps: number): number[] => new Array<number>(steps).fill(points);

interface Event {
  t: number;
  node: string;
  workload: string;
  action: 'offload' | 'return';
  startedAt: number;
  endedAt: number | null;
  bytes: number;
}

function play(rows: PlanetLabRow[], name: string, at: EdgeSetup = setup) {
  const policy = namedPolicy(name);
  if (!policy) throw new Error(name);
  let ticks = 0;
  const result = replayEdge(edgeNodes(rows, at), {
    policy: inIntervals(policy, stepS * 1000),
    stopwatch: () => ticks++,
  });
  const endAt = (rows[0]?.usage.length ?? 0) * stepS * 1000;
  const events = eventLines(result.moves, endAt)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
  return { ...result, events };
}

/** The score again, from nothing but the trace and the events. */
function recount(rows: PlanetLabRow[], events: Event[], { capacityPoints }: EdgeSetup) {
  const steps = rows[0]?.usage.length ?? 0;
  const nodes = [...Map.groupBy(rows, ({ node }) => node)].filter(([, tenants]) => tenants.length >= 3);
  const away = (workload: string, at: number): boolean => {
    const ended = events.filter((event) => event.workload === workload && (event.endedAt ?? Infinity) <= at);
    return ended.length % 2 === 1;
  };
  let otf = 0;
  let unmet = 0;
  let wanted = 0;
  for (const [, tenants] of nodes) {
    for (let step = 0; step < steps; step++) {
      const here = tenants.filter(({ trace }) => !away(trace, step * stepS));
      const load = here.reduce((sum, { usage }) => sum + (usage[step] ?? 0), 0);
      if (load >= capacityPoints) otf += 1 / steps / nodes.length;
      unmet += Math.max(0, load - capacityPoints);
      for (const { usage } of tenants) wanted += usage[step] ?? 0;
    }
  }
  const day = steps * stepS;
  const hours = events.reduce(
    (sum, { action, endedAt }) => sum + ((action === 'offload' ? 1 : -1) * (day - (endedAt ?? day))) / 3600,
    0,
  );
  const gb = (action: string): number =>
    events.filter((event) => event.action === action).reduce((sum, { bytes }) => sum + bytes / 1e9, 0);
  return { otf, unmet: unmet / (wanted || 1), cost: hours * 0.02 + gb('offload') * 0.02 + gb('return') * 0.09 };
}

const rowsArbitrary = fc
  .array(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 24, maxLength: 24 }), { minLength: 3, maxLength: 6 })
  .map((usages) => usages.map((usage, index) => row(`w${index}`, 'n', usage)));

describe('the score', () => {
  test.each(['default', 'THR-MMT-0.8', 'LR-MMT-1.2', 'never'])('of %s follows from the events', (name) => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.constantFrom(0.5, 2.5, 12.5),
        fc.constantFrom(100, 150),
        (rows, uplinkMBps, capacityPoints) => {
          const at = { ...setup, uplinkMBps, capacityPoints };
          const { score, events } = play(rows, name, at);
          const again = recount(rows, events, at);
          expect(score.otf).toBeCloseTo(again.otf, 9);
          expect(score.unmet).toBeCloseTo(again.unmet, 9);
          expect(score.cost).toBeCloseTo(again.cost, 9);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is the same twice, whatever the wall clock says', () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) => {
        const first = play(rows, 'default');
        const second = play(rows, 'default');
        expect(second.score).toEqual(first.score);
        expect(second.events).toEqual(first.events);
      }),
      { numRuns: 20 },
    );
  });
});

describe('moves', () => {
  const hot = [row('a', 'n', flat(60, 48)), row('b', 'n', flat(50, 48)), row('c', 'n', flat(5, 48))];

  test('begin at the second sample beyond the trigger, and take their bytes over the uplink', () => {
    const [first] = play(hot, 'default').events;
    expect(first).toMatchObject({ t: stepS, action: 'offload', node: 'n', startedAt: stepS });
    expect(memoryMegabytes.map((megabytes) => megabytes * 1e6)).toContain(first?.bytes);
    expect(first?.endedAt).toBeCloseTo(stepS + (first?.bytes ?? 0) / 2.5e6, 6);
  });

  test('load their node until they have ended', () => {
    const slow = play(hot, 'default', { ...setup, uplinkMBps: 2 });
    const [move] = slow.events;
    const loaded = Math.ceil((move?.endedAt ?? 0) / stepS);
    expect(slow.score.otf).toBeCloseTo(loaded / 48, 9);
  });

  test('that do not end within the day have no end', () => {
    const { events, score } = play(hot, 'default', { ...setup, uplinkMBps: 0.05 });
    expect(events.every(({ endedAt }) => endedAt === null)).toBe(true);
    expect(score.podHoursCloud).toBe(0);
  });

  test('of two at once go one after the other', () => {
    const worse = [row('d', 'n', flat(90, 48)), ...hot];
    const two = play(worse, 'THR-MMT-0.8').events.filter(({ action }) => action === 'offload');
    expect(two.length).toBeGreaterThan(1);
    for (const [index, next] of two.slice(1).entries())
      expect(next.startedAt).toBeGreaterThanOrEqual(two[index]?.endedAt ?? Infinity);
  });

  test('bring home what fits after thirty calm minutes, under the rule of the baselines', () => {
    const burst = row('a', 'n', [...flat(90, 6), ...flat(5, 42)]);
    const { events } = play([burst, row('b', 'n', flat(20, 48)), row('c', 'n', flat(5, 48))], 'THR-MMT-0.8');
    expect(events.map(({ action }) => action)).toContain('return');
    const returned = events.find(({ action }) => action === 'return');
    const burstEnds = 6 * stepS;
    expect((returned?.t ?? 0) - burstEnds).toBeGreaterThanOrEqual(1800);
    expect((returned?.t ?? 0) - burstEnds).toBeLessThanOrEqual(1800 + stepS);
  });
});

test('nodes of fewer than three workloads are left out; the same seed gives the same memory', () => {
  const rows = [...['a', 'b', 'c'].map((name) => row(name, 'n', [1])), row('d', 'm', [1])];
  const memory = (seed: number) =>
    edgeNodes(rows, { ...setup, seed })[0]?.workloads.map(({ demand }) => demand.memoryBytes[0]);
  expect(edgeNodes(rows, setup).map(({ nodes }) => nodes[0]?.name)).toEqual(['n']);
  expect(memory(1)).toEqual(memory(1));
  const drawn = new Set(Array.from({ length: 9 }, (_, seed) => String(memory(seed))));
  expect(drawn.size).toBeGreaterThan(1);
});
