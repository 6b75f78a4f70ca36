import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeRecord } from '../../lib/contract/node.ts';
import type { Policy } from '../../lib/contract/policy.ts';
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
import { applyPolicy, applyTelemetry } from '../world/apply.ts';
import { applyNodeRecord } from '../world/apply-node.ts';
import { createWorld, type World } from '../world/model.ts';
import { calmStretches, type NotedCalm, recallCalm } from './calm.ts';
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

/** trainer of edge-1 runs on cloud-1. */
const worldSeen = (record: Partial<NodeRecord>, more: { home?: Inhabited; away?: Inhabited }): World =>
  worldWith(
    [
      { name: 'cloud-1', residents: [trainer], record, ...more.away },
      { name: 'edge-1', residents: [{ name: 'api', cores: 1 }], record, ...more.home },
    ],
    policy,
  );

/** The same, and no sample read yet. */
function worldUnseen(record: Partial<NodeRecord>): World {
  const world = createWorld(policy);
  applyNodeRecord(world, 'cloud-1', recordOf('cloud-1', [workloadOf('trainer', 'edge-1')], record));
  applyNodeRecord(world, 'edge-1', recordOf('edge-1', [workloadOf('api', 'edge-1')], record));
  return world;
}

/** One step is a sample of each node. A decider that starts sees them from index `from` on, and what was `noted` before. */
function play(
  steps: Step[],
  more: { home?: Inhabited; away?: Inhabited; from?: number; noted?: NotedCalm[]; policy?: Policy } = {},
): { world: World; now: number } {
  const record = { updatedAt: start + steps.length * periodMs };
  const world = more.from === undefined ? worldSeen(record, more) : worldUnseen(record);
  if (more.policy) applyPolicy(world, more.policy);
  if (more.noted) recallCalm(world, 'edge-1', more.noted);
  return feed(world, steps, more.from);
}

function feed(world: World, steps: Step[], from = 0): { world: World; now: number } {
  for (const [index, step] of steps.entries()) {
    if (index < from) continue;
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

describe('a decider that starts with what another one has noted', () => {
  const notesOf = ({ world }: { world: World }): NotedCalm[] => [...calmStretches(world)].flatMap(([, notes]) => notes);
  /** The first dies after `died` steps; the second reads from step `from`. */
  const restarted = (steps: Step[], died: number, from: number) =>
    play(steps, { from, noted: notesOf(play(steps.slice(0, died))) });

  test('brings home when the window is over, not a window later', () => {
    expect(judge(restarted(calm(31), 25, 22)).verdict).toBe('migrate');
    expect(judge(restarted(calm(28), 25, 22))).toMatchObject({ verdict: 'stay', reason: 'not-calm' });
  });

  test('says the same as the first would, whatever was seen, if it reads from before the last note', () => {
    const step = fc.record({ home: fc.constantFrom(1, 1, 1, 2), homeSilent: fc.boolean(), awaySilent: fc.boolean() });
    const story = fc.array(step, { minLength: 12, maxLength: 30 });
    fc.assert(
      fc.property(story, fc.integer({ min: 2, max: 30 }), fc.integer({ min: 0, max: 30 }), (steps, died, from) => {
        const whole = play(steps);
        const again = restarted(steps, died, from);
        const calmOf = ({ world }: { world: World }) => world.away.get('edge-1')?.get('trainer')?.calmSince;
        const [truth, said] = [calmOf(whole), calmOf(again)];
        if (said !== undefined) expect(said).toBeGreaterThanOrEqual(truth ?? Number.POSITIVE_INFINITY);
      }),
    );
  });

  test.each<[string, Step[], number]>([
    ['what lies between the note and the first sample was not seen', calm(40), 28],
    ['home was busy since', [...calm(26), { home: 2 }, ...calm(13)], 22],
    ['home was silent since', [...calm(26), ...calm(4, { homeSilent: true }), ...calm(10)], 22],
    ['its clock has jumped back since', [...calm(26), ...calm(14, { clockMs: -60 * minute })], 22],
  ])('counts anew where %s', (_, steps, from) => {
    expect(judge(restarted(steps, 25, from))).toMatchObject({ verdict: 'stay', reason: 'not-calm' });
  });

  test('counts anew after a jump of the clock that follows on its own note', () => {
    const state = play(calm(25));
    recallCalm(state.world, 'edge-1', notesOf(state));
    const jumped = feed(state.world, [...calm(25), ...calm(12, { clockMs: -40_000 })], 25);
    expect(judge(jumped)).toMatchObject({ verdict: 'stay', reason: 'not-calm' });
  });

  test('is not put off by a peak that the first, with its longer memory, saw no harm in', () => {
    const slow = policyOf('{ signals: { timeConstant: 60s }, returnHome: { stabilizationWindowSeconds: 300 } }');
    const steps = [...calm(20, { home: 0.5 }), { home: 1.3 }, { home: 2.2 }, ...calm(9)];
    const noted = notesOf(play(steps.slice(0, 25), { policy: slow }));
    expect(judge(play(steps, { from: 20, policy: slow })).verdict).toBe('stay');
    expect(judge(play(steps, { from: 20, policy: slow, noted })).verdict).toBe('migrate');
  });

  test('forgets what was noted of a workload that has come and gone elsewhere since', () => {
    const noted = notesOf(play(calm(25))).map((note) => ({ ...note, node: 'cloud-2' }));
    expect(judge(play(calm(31), { from: 22, noted }))).toMatchObject({ verdict: 'stay', reason: 'not-calm' });
  });
});
