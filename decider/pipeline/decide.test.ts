import { describe, expect, test } from 'vitest';
import { containerOf, nodeOf, policyOf, sampleOf, signatureOf, start, worldWith } from '../fixtures.ts';
import { applyPolicy, applyTelemetry } from '../world/apply.ts';
import { decide } from './decide.ts';
import { commandOf } from './verdict.ts';

const base = 'signals: { timeConstant: 1ms }, overload: { anomalyCondition: { consecutiveAbnormalities: 1 } }';
const periodMs = 10_000;

/** edge-1 at 90 %, cloud-1 empty; `next` is one more sample and what is decided on it. */
function scene(spec = '', cloudCores = 4) {
  const world = worldWith(
    [
      {
        name: 'edge-1',
        residents: [
          { name: 'a', cores: 1.8 },
          { name: 'b', cores: 1.8 },
        ],
      },
      { name: 'cloud-1', residents: [], sample: { cpu: { usageCores: 0, capacityCores: cloudCores } } },
    ],
    policyOf(`{ ${base}, ${spec} }`),
  );
  const signature = signatureOf(7);
  let sequence = 0;
  const next = (usage = 1.8) => {
    const fields = { sequence: ++sequence, at: start + sequence * periodMs };
    applyTelemetry(world, sampleOf('cloud-1', [], { ...fields, cpu: { usageCores: 0, capacityCores: cloudCores } }));
    applyTelemetry(world, sampleOf('edge-1', [containerOf('a', usage), containerOf('b', usage)], fields));
    return decide(world, 'edge-1', fields.at, signature);
  };
  return { world, next };
}

test('a decision says what moves, why, and every stage that led to it', () => {
  const [decision] = scene().next();
  expect(decision).toMatchObject({
    verdict: 'migrate',
    epoch: 7,
    node: 'edge-1',
    migration: 'm-7-2',
    policy: { name: 'test' },
    sentence:
      'a moves from edge-1 to cloud-1: CPU of edge-1 stood at 90 % for 10 s (trigger 80 %); a frees 1.8 cores and is the cheapest to move that covers the excess of 0.8 cores; moving takes about 24 s',
  });
  expect(decision?.reports.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual(
    ['signals', 'overload', 'victim', 'target', 'cost', 'budget'].map((stage) => `${stage} pass`),
  );
});

test('a decision on a pod names it', () => {
  const { world, next } = scene();
  const facts = world.nodes.get('edge-1')?.record?.workloads.get('a');
  if (facts) facts.pod = { namespace: 'shop', name: 'a-1' };
  expect(next()).toEqual([expect.objectContaining({ workload: 'a', pod: { namespace: 'shop', name: 'a-1' } })]);
});

test('its command carries the term, the decision and an expiry', () => {
  const [decision] = scene().next();
  if (!decision) throw new Error('no decision');
  expect(commandOf(decision, { epoch: 8 }, 60_000)).toEqual({
    id: 'm-7-2',
    workload: 'a',
    source: 'edge-1',
    target: 'cloud-1',
    strategy: 'auto',
    trigger: 'overload',
    decision: 'd-7-1',
    epoch: 8,
    issuedAt: decision.at,
    expiresAt: decision.at + 60_000,
  });
});

test.each([
  ['{ cpu: 0.5 }', 'migrate'],
  ['{ cpu: 0.44 }', 'stay'],
])('a target is filled up to %s at most', (fill, verdict) => {
  // 1.8 of 4 cores are 45 %
  expect(scene(`target: { fillThresholds: ${fill} }`).next()).toMatchObject([{ verdict }]);
});

describe('a "no"', () => {
  test('is recorded once, and again after a while or for another reason', () => {
    const { world, next } = scene('', 1);
    expect(next()).toMatchObject([
      { verdict: 'stay', sentence: expect.stringMatching(/^nothing leaves edge-1: CPU .*, but no node can take it/) },
    ]);
    expect(next()).toEqual([]);
    for (let sample = 0; sample < 58; sample++) expect(next()).toEqual([]);
    expect(next()).toHaveLength(1);
    world.policy = policyOf(`{ ${base}, victim: { minWorkloadAge: 2147483647s } }`);
    for (const facts of nodeOf(world, 'edge-1').record?.workloads.values() ?? []) facts.startedAt = start;
    expect(next()[0]?.reports.at(-1)?.stage).toBe('victim');
  });

  test('carries the terms of every stage before it', () => {
    const [decision] = scene('cost: { penaltyPerCoreHour: 0 }').next();
    expect(decision?.reports.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      'signals pass',
      'overload pass',
      'victim pass',
      'target pass',
      'cost stop',
    ]);
  });

  test('is not said of a node that is being relieved', () => {
    const { next } = scene();
    expect(next()).toHaveLength(1);
    expect(next()).toEqual([]);
  });
});

describe('policy', () => {
  test('paused: says so, commands nothing, and acts on the next sample after', () => {
    const { world, next } = scene('paused: true');
    expect(next()).toMatchObject([
      {
        verdict: 'stay',
        reports: expect.arrayContaining([
          expect.objectContaining({ stage: 'budget', summary: 'the policy is paused' }),
        ]),
      },
    ]);
    applyPolicy(world, policyOf(`{ ${base} }`));
    expect(next()).toMatchObject([{ verdict: 'migrate' }]);
  });

  test('dryRun: recommends once, commands nothing, reserves nothing', () => {
    const { world, next } = scene('dryRun: true');
    const [decision] = next();
    expect(decision).toMatchObject({ verdict: 'migrate', dryRun: true });
    expect(decision?.migration).toBeUndefined();
    expect(world.flights.size).toBe(0);
    expect(next()).toEqual([]);
  });
});

test('nothing is decided on a node that is silent', () => {
  const { world, next } = scene('paused: true');
  next();
  applyPolicy(world, policyOf(`{ ${base} }`));
  expect(decide(world, 'edge-1', start + 60_000, signatureOf())).toEqual([]);
  expect(decide(world, 'nobody', start, signatureOf())).toEqual([]);
});
