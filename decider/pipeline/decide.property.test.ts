import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Decision } from '../../lib/contract/decision.ts';
import { gibibyte, policyOf } from '../fixtures.ts';
import {
  nodeBytes,
  nodeCores,
  nowOf,
  type Outcome,
  type SimulatedWorkload,
  type Simulation,
  type SimulationOptions,
  simulate,
  stepMs,
} from '../simulation.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Short times, so that much happens in few steps; the thresholds are the default ones. */
const quick = policyOf(`{
  signals: { timeConstant: 20s },
  overload: { anomalyCondition: { consecutiveAbnormalities: 2, consecutiveNormalities: 2 } },
  victim: { minWorkloadAge: 0s },
  returnHome: { stabilizationWindowSeconds: 60 },
  budgets: { parallelMigrationsPerCluster: 2, minMigrationInterval: 10s, migrationCooldown: 30s, maxMigrationCooldown: 120s }
}`);
const { budgets, signals, overload } = quick.spec;
const edges = ['edge-1', 'edge-2', 'edge-3'];
const nodes = ['cloud-1', 'cloud-2', ...edges];

const constantLoad = fc.double({ min: 0, max: 2, noNaN: true }).map((cores) => () => cores);
const wavyLoad = fc
  .array(fc.double({ min: 0, max: 2.5, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map((levels) => (step: number) => levels[Math.floor(step / 10) % levels.length] ?? 0);

const workloadsWith = (load: fc.Arbitrary<(step: number) => number>): fc.Arbitrary<SimulatedWorkload[]> =>
  fc
    .array(
      fc.record({
        home: fc.constantFrom(...edges),
        cores: load,
        memoryBytes: fc.integer({ min: 0, max: 3 * gibibyte }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((list) => list.map((one, index) => ({ ...one, name: `w${index}`, node: one.home })));

const outcomes = fc
  .array(
    fc.record({
      outcome: fc.constantFrom<Outcome>('succeeded', 'succeeded', 'rolled-back', 'void'),
      steps: fc.integer({ min: 1, max: 15 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((list) => (index: number) => list[index % list.length] ?? { outcome: 'succeeded' as const, steps: 1 });

/** Lost samples, silent nodes and jumping clocks: [step, node, what, how much]. */
const faults = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 150 }),
      node: fc.integer({ min: 0, max: nodes.length - 1 }),
      silentSteps: fc.integer({ min: 0, max: 30 }),
      jumpMs: fc.constantFrom(0, 0, 3_600_000, -3_600_000, 20_000, -20_000),
    }),
    { maxLength: 12 },
  )
  .map((list) => (simulation: Simulation) => {
    for (const { step, node, silentSteps, jumpMs } of list) {
      const hit = simulation.nodes[node];
      if (step !== simulation.step || !hit) continue;
      hit.silentUntil = step + silentSteps;
      hit.clockMs += jumpMs;
    }
  });

const options = (workloads: SimulatedWorkload[], more: Partial<SimulationOptions> = {}): SimulationOptions => ({
  policy: quick,
  nodes,
  workloads,
  ...more,
});

const siteOf = (node: string | undefined): string | undefined => (node?.startsWith('cloud') ? 'cloud' : node);
/** Commands that may still be carried out, by what happened, not by what the core believes. */
const open = (simulation: Simulation): Decision[] => simulation.open.map(({ decision }) => decision);

function checkBudgets(simulation: Simulation, decision: Decision): void {
  const others = open(simulation);
  expect(others.map(({ workload }) => workload)).not.toContain(decision.workload);
  expect(others.length).toBeLessThan(budgets.parallelMigrationsPerCluster);
  const outbound = others.filter(({ source }) => siteOf(source) === siteOf(decision.source));
  expect(outbound.length).toBeLessThan(budgets.parallelOutboundMigrationsPerSite);
  const inbound = others.filter(({ target }) => target === decision.target);
  expect(inbound.length).toBeLessThan(budgets.parallelInboundMigrationsPerNode);
  expect(decision.target).not.toBe(decision.source);
}

function checkFresh(simulation: Simulation, decision: Decision): void {
  for (const { name, sampledAt } of simulation.nodes)
    if (name === decision.source || name === decision.target)
      expect(Math.abs(nowOf(simulation) - sampledAt)).toBeLessThanOrEqual(signals.missedPeriods * stepMs);
}

const runs = { numRuns: 100 };

describe('whatever happens', () => {
  test('no budget is exceeded and no workload gets a second command', () => {
    fc.assert(
      fc.property(workloadsWith(wavyLoad), outcomes, faults, (workloads, outcome, disturb) => {
        simulate(options(workloads, { outcome, check: checkBudgets }), 160, disturb);
      }),
      runs,
    );
  });

  test('stale, missing or misdated samples move nothing', () => {
    fc.assert(
      fc.property(workloadsWith(wavyLoad), faults, (workloads, disturb) => {
        simulate(options(workloads, { check: checkFresh }), 160, disturb);
      }),
      runs,
    );
  });

  test('repeated samples change nothing', () => {
    fc.assert(
      fc.property(workloadsWith(wavyLoad), outcomes, faults, (workloads, outcome, disturb) => {
        const once = simulate(options(workloads, { outcome }), 160, disturb);
        const often = simulate(options(workloads, { outcome, deliveries: 3 }), 160, disturb);
        expect(often.moves).toEqual(once.moves);
        expect(often.world).toEqual(once.world);
      }),
      { numRuns: 50 },
    );
  });

  test('the same events give the same decisions', () => {
    fc.assert(
      fc.property(workloadsWith(wavyLoad), outcomes, faults, (workloads, outcome, disturb) => {
        const run = () => simulate(options(workloads, { outcome }), 100, disturb).moves;
        expect(run()).toEqual(run());
      }),
      { numRuns: 30 },
    );
  });
});

describe('under constant load', () => {
  test('nothing travels to and fro: a workload leaves once at most and stays', () => {
    fc.assert(
      fc.property(workloadsWith(constantLoad), (workloads) => {
        const { moves } = simulate(options(workloads), 400);
        expect(new Set(moves.map(({ workload }) => workload)).size).toBe(moves.length);
        expect(moves.every(({ trigger }) => trigger === 'overload')).toBe(true);
      }),
      runs,
    );
  });

  test('no target is overloaded by what it is given', () => {
    fc.assert(
      fc.property(workloadsWith(constantLoad), (workloads) => {
        const check = (simulation: Simulation, decision: Decision): void => {
          const coming = new Set(
            [...open(simulation), decision]
              .filter(({ target }) => target === decision.target)
              .map(({ workload }) => workload),
          );
          const there = simulation.workloads.filter(({ name, node }) => node === decision.target || coming.has(name));
          const cores = there.reduce((sum, workload) => sum + workload.cores(0), 0);
          const bytes = there.reduce((sum, workload) => sum + workload.memoryBytes, 0);
          expect(cores / nodeCores).toBeLessThanOrEqual(overload.targetThresholds.cpu);
          expect(bytes / nodeBytes).toBeLessThanOrEqual(overload.targetThresholds.memory);
        };
        simulate(options(workloads, { check }), 200);
      }),
      runs,
    );
  });

  test('a jump of any clock moves nothing on nodes that are not overloaded', () => {
    const cool = fc.double({ min: 0, max: 0.2, noNaN: true }).map((cores) => () => cores);
    fc.assert(
      fc.property(workloadsWith(cool), faults, (workloads, disturb) => {
        const light = workloads.map((workload) => ({ ...workload, memoryBytes: workload.memoryBytes / 8 }));
        expect(simulate(options(light), 160, disturb).moves).toEqual([]);
      }),
      runs,
    );
  });
});

test('a loaded node is relieved, and its workload comes home when the load has gone', () => {
  const load = (step: number): number => (step >= 20 && step < 60 ? 2 : 0.5);
  const workloads = ['a', 'b'].map((name) => ({
    name,
    home: 'edge-1',
    node: 'edge-1',
    memoryBytes: gibibyte,
    cores: load,
  }));
  const { moves, workloads: after } = simulate(options(workloads), 200);
  expect(moves.map(({ trigger, workload, source, target }) => ({ trigger, workload, source, target }))).toEqual([
    { trigger: 'overload', workload: 'a', source: 'edge-1', target: 'cloud-1' },
    { trigger: 'return', workload: 'a', source: 'cloud-1', target: 'edge-1' },
  ]);
  expect(after.map(({ node }) => node)).toEqual(['edge-1', 'edge-1']);
});
