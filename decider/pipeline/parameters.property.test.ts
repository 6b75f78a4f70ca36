import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Decision } from '../../lib/contract/decision.ts';
import type { Policy } from '../../lib/contract/policy.ts';
import { containerOf, gibibyte, nodeOf, policyOf, sampleOf, start } from '../fixtures.ts';
import { detectors } from '../overload/detectors.ts';
import { overloadParams } from '../overload/params.ts';
import { nodeBytes, nodeCores, type SimulatedWorkload, type Simulation, simulate, stepMs } from '../simulation.ts';
import { applyTelemetry } from '../world/apply.ts';
import { createWorld } from '../world/model.ts';

vi.setConfig({ testTimeout: 180_000 });

const edges = ['edge-1', 'edge-2', 'edge-3'];
const nodes = ['cloud-1', 'cloud-2', ...edges];
const share = (min: number, max: number) =>
  fc.integer({ min: min * 100, max: max * 100 }).map((percent) => percent / 100);
const seconds = (...values: number[]) => fc.constantFrom(...values.map((value) => `${value}s`));

/** Any policy that is not refused, with times short enough for much to happen. */
const policies: fc.Arbitrary<Policy> = fc
  .record({
    trigger: share(0.3, 0.95),
    below: fc.record({
      release: share(0.5, 0.95),
      fill: share(0.5, 0.95),
      home: share(0.3, 1),
      safety: share(0.3, 0.99),
    }),
    detector: fc.constantFrom(...(Object.keys(detectors) as (keyof typeof detectors)[])),
    otf: share(0.01, 0.9),
    hold: fc.record({
      consecutiveAbnormalities: fc.integer({ min: 1, max: 5 }),
      consecutiveNormalities: fc.integer({ min: 1, max: 3 }),
    }),
    timeConstant: seconds(1, 10, 60, 600),
    selection: fc.constantFrom('cover-excess', 'MMT', 'MC', 'MU', 'RS'),
    cost: fc.record({ enabled: fc.boolean(), penaltyPerCoreHour: fc.constantFrom(0, 5, 1000) }),
    window: fc.constantFrom(10, 60, 300),
    budgets: fc.record({
      parallelMigrationsPerCluster: fc.integer({ min: 1, max: 6 }),
      parallelOutboundMigrationsPerSite: fc.integer({ min: 1, max: 3 }),
      parallelInboundMigrationsPerNode: fc.integer({ min: 1, max: 3 }),
      minMigrationInterval: seconds(0, 30),
      migrationCooldown: seconds(0, 60),
    }),
  })
  .map(({ trigger, below, detector, otf, hold, timeConstant, selection, cost, window, budgets }) => {
    const release = trigger * below.release;
    const memory = { release: 0.75, fill: 0.75, home: 0.65 };
    return policyOf(
      JSON.stringify({
        signals: { timeConstant },
        overload: {
          detector,
          otf,
          // what the regressions may be told at most
          safetyParameter: Math.min(10, below.safety / Math.max(release, memory.release)),
          targetThresholds: { cpu: trigger },
          anomalyCondition: hold,
        },
        victim: { selection, releaseThresholds: { cpu: release, memory: memory.release }, minWorkloadAge: '0s' },
        target: { fillThresholds: { cpu: trigger * below.fill, memory: memory.fill } },
        cost,
        budgets,
        returnHome: {
          returnThresholds: { cpu: release * below.home, memory: memory.home },
          stabilizationWindowSeconds: window,
        },
      }),
    );
  });

const workloads = (load: fc.Arbitrary<(step: number) => number>, most = 3): fc.Arbitrary<SimulatedWorkload[]> =>
  fc
    .array(
      fc.record({
        home: fc.constantFrom(...edges),
        cores: load,
        memoryBytes: fc.integer({ min: 0, max: most * gibibyte }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((list) => list.map((one, index) => ({ ...one, name: `w${index}`, node: one.home })));

const constantLoad = fc.double({ min: 0, max: 2, noNaN: true }).map((cores) => () => cores);
const wavyLoad = fc
  .array(fc.double({ min: 0, max: 2.5, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map((levels) => (step: number) => levels[Math.floor(step / 10) % levels.length] ?? 0);

const siteOf = (node: string | undefined): string | undefined => (node?.startsWith('cloud') ? 'cloud' : node);

function checkBudgets({ world, open }: Simulation, decision: Decision): void {
  const { budgets } = world.policy.spec;
  const others = open.map((one) => one.decision);
  expect(others.map(({ workload }) => workload)).not.toContain(decision.workload);
  expect(others.length).toBeLessThan(budgets.parallelMigrationsPerCluster);
  const outbound = others.filter(({ source }) => siteOf(source) === siteOf(decision.source));
  expect(outbound.length).toBeLessThan(budgets.parallelOutboundMigrationsPerSite);
  const inbound = others.filter(({ target }) => target === decision.target);
  expect(inbound.length).toBeLessThan(budgets.parallelInboundMigrationsPerNode);
}

/** With all that is on its way there, by true loads. */
function checkTarget(simulation: Simulation, decision: Decision): void {
  if (decision.trigger !== 'overload') return;
  const coming = [...simulation.open.map((one) => one.decision), decision];
  const names = new Set(coming.filter(({ target }) => target === decision.target).map(({ workload }) => workload));
  const there = simulation.workloads.filter(({ name, node }) => node === decision.target || names.has(name));
  const { cpu, memory } = simulation.world.policy.spec.overload.targetThresholds;
  expect(there.reduce((sum, { cores }) => sum + cores(0), 0) / nodeCores).toBeLessThanOrEqual(cpu);
  expect(there.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) / nodeBytes).toBeLessThanOrEqual(memory);
}

const runs = { numRuns: 150 };

describe('whatever the parameters', () => {
  test('nothing oscillates under constant load: a workload is sent away once at most', () => {
    fc.assert(
      fc.property(policies, workloads(constantLoad), (policy, list) => {
        const { moves } = simulate({ policy, nodes, workloads: list }, 250);
        const sent = moves.filter(({ trigger }) => trigger === 'overload').map(({ workload }) => workload);
        expect(sent.length).toBe(new Set(sent).size);
        expect(moves.length).toBeLessThanOrEqual(2 * sent.length);
      }),
      runs,
    );
  });

  test('no budget is exceeded and no workload gets a second command', () => {
    fc.assert(
      fc.property(policies, workloads(wavyLoad), fc.integer({ min: 1, max: 12 }), (policy, list, steps) => {
        const outcome = () => ({ outcome: 'succeeded' as const, steps });
        simulate({ policy, nodes, workloads: list, outcome, check: checkBudgets }, 160);
      }),
      runs,
    );
  });

  test('no target is overloaded by what it is given', () => {
    fc.assert(
      fc.property(policies, workloads(constantLoad), (policy, list) => {
        simulate({ policy, nodes, workloads: list, check: checkTarget }, 160);
      }),
      runs,
    );
  });

  test('a jump of all clocks starts every count anew: nothing is shed on the first sample after it', () => {
    /** Low, then high; the clocks jump before the second high sample, which would fire. */
    const scenes = fc.record({
      low: fc.double({ min: 0, max: 0.3, noNaN: true }),
      high: fc.double({ min: 0.3, max: 2.5, noNaN: true }),
      jumpAt: fc.integer({ min: 3, max: 40 }),
      jumpMs: fc.constantFrom(-3_600_000, 3_600_000),
    });
    fc.assert(
      fc.property(policies, scenes, (policy, { low, high, jumpAt, jumpMs }) => {
        const condition = { ...policy.spec.overload.anomalyCondition, consecutiveAbnormalities: 2 };
        const spec = { ...policy.spec, overload: { ...policy.spec.overload, anomalyCondition: condition } };
        const cores = (step: number): number => (step < jumpAt - 1 ? low : high);
        const list = ['a', 'b'].map((name) => ({ name, home: 'edge-1', node: 'edge-1', memoryBytes: 0, cores }));
        const check = ({ step }: Simulation): void => expect(step).not.toBe(jumpAt);
        const disturb = (simulation: Simulation): void => {
          if (simulation.step === jumpAt) simulation.clockMs += jumpMs;
        };
        simulate({ policy: { ...policy, spec }, nodes, workloads: list, check }, 60, disturb);
      }),
      runs,
    );
  });
});

describe('the order of samples within one interval', () => {
  /** Budgets for all: else the first to ask is served. Under changing load the same holds for the cloud's room and for returns. */
  const ample = (policy: Policy): Policy => ({
    ...policy,
    spec: {
      ...policy.spec,
      budgets: {
        ...policy.spec.budgets,
        parallelMigrationsPerCluster: 100,
        parallelInboundMigrationsPerNode: 100,
      },
    },
  });
  const delays = fc.array(fc.integer({ min: 0, max: stepMs - 1 }), { minLength: 1, maxLength: 50 });
  const told = ({ moves }: Simulation): string[] =>
    moves.map(({ workload, source, target, trigger }) => `${trigger} ${workload} ${source} ${target}`).sort();

  test('does not matter under constant load, however late each is', () => {
    fc.assert(
      fc.property(policies, workloads(constantLoad, 1), delays, (policy, list, late) => {
        const options = { policy: ample(policy), nodes: ['cloud-1', ...edges], workloads: list };
        const delayMs = (step: number, node: string): number =>
          late[(step * 7 + nodes.indexOf(node) * 3) % late.length] ?? 0;
        expect(told(simulate({ ...options, delayMs }, 120))).toEqual(told(simulate(options, 120)));
      }),
      runs,
    );
  });
});

describe('more load', () => {
  const rows = fc.array(
    fc.tuple(fc.double({ min: 0, max: 4, noNaN: true }), fc.double({ min: 0, max: 4, noNaN: true })),
    {
      minLength: 1,
      maxLength: 60,
    },
  );

  test('never clears a threshold that has fired', () => {
    const hotAfterEach = (policy: Policy, loads: number[]): boolean[] => {
      const world = createWorld(policy);
      return loads.map((cores, sequence) => {
        const at = start + sequence * stepMs;
        applyTelemetry(world, sampleOf('edge-1', [containerOf('a', cores)], { sequence, at }));
        return nodeOf(world, 'edge-1').cpu.hold.hot;
      });
    };
    fc.assert(
      fc.property(policies, fc.constantFrom('THR' as const, 'EWMA' as const), rows, (policy, detector, row) => {
        const spec = { ...policy.spec, overload: { ...policy.spec.overload, detector } };
        const less = hotAfterEach(
          { ...policy, spec },
          row.map(([load]) => load),
        );
        const more = hotAfterEach(
          { ...policy, spec },
          row.map(([load, added]) => load + added),
        );
        for (const [step, hot] of less.entries()) if (hot) expect(more[step]).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('in the newest sample never takes a forecast back', () => {
    const detector = fc.constantFrom('LR' as const, 'LOESS' as const);
    const history = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        policies,
        detector,
        history,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (policy, name, values, added) => {
          const params = overloadParams(policy.spec).detectorParams.cpu;
          const read = (newest: number) =>
            detectors[name]({ history: values.with(-1, newest), mean: 0, horizon: () => 2 }, params);
          const before = read(values.at(-1) ?? 0);
          const after = read((values.at(-1) ?? 0) + added);
          expect(after.level).toBeGreaterThanOrEqual(before.level - 1e-9);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
