import { describe, expect, test } from 'vitest';
import {
  containerOf,
  flightOf,
  type Inhabited,
  nodeOf,
  policyOf,
  recordOf,
  sampleOf,
  start,
  workloadOf,
  worldWith,
} from '../fixtures.ts';
import { applyTelemetry } from '../world/apply.ts';
import { applyNodeRecord } from '../world/apply-node.ts';
import type { World } from '../world/model.ts';
import { judgeReturns } from './return-home.ts';

const periodMs = 10_000;
const minute = 60_000;
const policy = policyOf('{ signals: { timeConstant: 1ms }, returnHome: { stabilizationWindowSeconds: 300 } }');
const trainer = { name: 'trainer', cores: 1, home: 'edge-1' };

interface Step {
  home?: number;
  away?: number;
  homeSilent?: boolean;
  awaySilent?: boolean;
  clockMs?: number;
  limitCores?: number;
}

/** trainer of edge-1 runs on cloud-1; one step is a sample of each node. */
function play(steps: Step[], more: { home?: Inhabited; away?: Inhabited } = {}): { world: World; now: number } {
  const world = worldWith(
    [
      { name: 'cloud-1', residents: [trainer], record: { updatedAt: start + steps.length * periodMs }, ...more.away },
      {
        name: 'edge-1',
        residents: [{ name: 'api', cores: 1 }],
        record: { updatedAt: start + steps.length * periodMs },
        ...more.home,
      },
    ],
    policy,
  );
  for (const [index, step] of steps.entries()) {
    const fields = { sequence: index + 1, at: start + (index + 1) * periodMs + (step.clockMs ?? 0) };
    const moved = {
      ...containerOf('trainer', step.away ?? 1),
      ...(step.limitCores && { cpuLimitCores: step.limitCores }),
    };
    if (!step.awaySilent) applyTelemetry(world, sampleOf('cloud-1', [moved], fields));
    if (!step.homeSilent) applyTelemetry(world, sampleOf('edge-1', [containerOf('api', step.home ?? 1)], fields));
  }
  return { world, now: start + steps.length * periodMs + (steps.at(-1)?.clockMs ?? 0) };
}

function judge({ world, now }: { world: World; now: number }) {
  const [verdict] = [...judgeReturns(world, nodeOf(world, 'edge-1'), now)];
  return { verdict: verdict?.verdict, reason: verdict?.reports.at(-1)?.terms.reason, sentence: verdict?.sentence };
}

const calm = (count: number, step: Step = {}): Step[] => Array.from({ length: count }, () => step);

describe('comes home', () => {
  test('after home with it has stood within the thresholds for the whole window', () => {
    const { verdict, sentence } = judge(play(calm(31)));
    expect(verdict).toBe('migrate');
    expect(sentence).toBe(
      'trainer returns home from cloud-1 to edge-1: for 5 min edge-1 would have stood at no more than 50 % CPU with it (return threshold 60 %); moving takes about 24 s',
    );
  });

  const notYet: [string, Step[]][] = [
    ['the window is not over', calm(28)],
    ['home was busy in it', [...calm(20), { home: 2 }, ...calm(20)]],
    ['it was busy itself in it', [...calm(20), { away: 2 }, ...calm(20)]],
    ['home was silent in it', [...calm(20), ...calm(3, { homeSilent: true }), ...calm(20)]],
    ['it was silent in it', [...calm(20), ...calm(4, { awaySilent: true }), ...calm(20)]],
    ['the clocks jumped an hour ahead', [...calm(20), ...calm(20, { clockMs: 60 * minute })]],
    ['it stands at its own limit, and would be sent away again', calm(40, { limitCores: 1 })],
  ];
  test.each(notYet)('not while %s', (_, steps) => {
    expect(judge(play(steps))).toMatchObject({ verdict: 'stay', reason: 'not-calm' });
  });

  test('a short jump of a clock does no harm', () => {
    expect(judge(play([...calm(20), ...calm(20, { clockMs: 3000 })])).verdict).toBe('migrate');
  });
});

describe('stays away though home is calm', () => {
  const played = () => play(calm(31));
  test('while it rests after its last move', () => {
    const state = played();
    state.world.history.set('trainer', [
      { migration: 'm', endedAt: state.now - minute, durationMs: 1, result: 'succeeded' },
    ]);
    expect(judge(state)).toMatchObject({ verdict: 'stay', reason: 'cool-down' });
  });

  test('while another one comes home', () => {
    const state = played();
    const records = [workloadOf('trainer', 'edge-1'), workloadOf('other', 'edge-1')];
    applyNodeRecord(state.world, 'cloud-1', recordOf('cloud-1', records, { updatedAt: state.now }));
    state.world.flights.set('m-other', flightOf('other', 'cloud-1', 'edge-1'));
    expect(judge(state)).toMatchObject({ verdict: 'stay', reason: 'in-flight' });
  });

  test('while its requests do not fit', () => {
    const away = { name: 'cloud-1', residents: [{ ...trainer, requestedCores: 3.9 }] };
    const home = { name: 'edge-1', residents: [{ name: 'api', cores: 1, requestedCores: 1 }] };
    const record = { updatedAt: start + 31 * periodMs };
    expect(judge(play(calm(31), { away: { ...away, record }, home: { ...home, record } }))).toMatchObject({
      reason: 'fit',
    });
  });

  test("while home's migrator is silent", () => {
    const state = played();
    const home = state.world.nodes.get('edge-1');
    if (home?.record) home.record.updatedAt = start - 60 * minute;
    expect(judge(state)).toMatchObject({ verdict: 'stay', reason: 'home' });
  });

  test('nothing is said of one that may not move, or that is on its way', () => {
    const forbidden = { name: 'cloud-1', residents: [{ ...trainer, migrate: false }] };
    expect(judge(play(calm(31), { away: forbidden })).verdict).toBeUndefined();
    const state = played();
    state.world.flights.set('m', flightOf('trainer', 'cloud-1', 'edge-1'));
    expect(judge(state).verdict).toBeUndefined();
  });
});
