import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, describeFault, parsePolicy, policyVersion } from './policy.ts';

const text = (spec: string): string => `apiVersion: policy.godwit.dev/v1alpha1
kind: Policy
metadata: { name: test }
spec:
${spec}`;

const faultsOf = (policy: string): string[] => {
  const parsed = parsePolicy(policy);
  return parsed.ok ? [] : parsed.faults.map(describeFault);
};

describe('defaults', () => {
  test('are those of the evidence', () => {
    expect(defaultPolicy().spec).toMatchObject({
      paused: false,
      dryRun: false,
      signals: { timeConstant: 10_000, nodeMetricExpirationSeconds: 180 },
      overload: {
        targetThresholds: { cpu: 0.8, memory: 0.85 },
        immediateThresholds: { memory: 0.95 },
        anomalyCondition: { consecutiveAbnormalities: 2, consecutiveNormalities: 3 },
      },
      victim: { releaseThresholds: { cpu: 0.5 } },
      target: { fillThresholds: { cpu: 0.7, memory: 0.75 } },
      cost: { margin: 0.1 },
      budgets: {
        parallelMigrationsPerCluster: 5,
        parallelOutboundMigrationsPerSite: 1,
        parallelInboundMigrationsPerNode: 2,
        minMigrationInterval: 300_000,
        migrationCooldown: 900_000,
        maxMigrationCooldown: 21_600_000,
        migrationHistoryWindow: 172_800_000,
      },
      returnHome: { returnThresholds: { cpu: 0.5 }, stabilizationWindowSeconds: 7200 },
    });
  });

  test('fill what a text leaves out', () => {
    const parsed = parsePolicy(text('  victim: { releaseThresholds: { cpu: 0.65 } }'));
    expect(parsed.ok && parsed.policy.spec.victim).toMatchObject({ releaseThresholds: { cpu: 0.65, memory: 0.75 } });
  });
});

test('durations', () => {
  const parsed = parsePolicy(text('  signals: { timeConstant: 1h30m5s20ms }'));
  expect(parsed.ok && parsed.policy.spec.signals.timeConstant).toBe(5_405_020);
});

test('the version is that of the text', () => {
  const parsed = parsePolicy(text('  {}'));
  expect(parsed.ok && parsed.policy.version).toBe(policyVersion(text('  {}')));
  expect(policyVersion(text('  {}'))).not.toBe(policyVersion(text('  { }')));
});

describe('faults', () => {
  const cases: [string, string, string[]][] = [
    [
      'syntax, with line and column',
      'a: 1\nb: [1, 2\nc: 3\n',
      [expect.stringMatching(/^line 3, column 1: \(root\): Flow sequence/) as string],
    ],
    ['an empty text', '', ['(root): expected object, received null']],
    ['no policy at all', 'hello', ['(root): expected object, received string']],
    ['a wrong type', text('  paused: "yes"'), ['line 5: spec.paused: expected boolean, received string']],
    [
      'an unknown field',
      text('  signals:\n    timeConstants: 5s'),
      ['line 6: spec.signals.timeConstants: unknown field'],
    ],
    [
      'a duration without a unit',
      text('  signals: { timeConstant: 60 }'),
      ['line 5: spec.signals.timeConstant: expected a duration such as 90s, 15m or 1h30m'],
    ],
    [
      'a share above 1',
      text('  overload: { targetThresholds: { cpu: 80 } }'),
      ['line 5: spec.overload.targetThresholds.cpu: Too big: expected number to be <=1'],
    ],
    [
      'a detector that does not exist',
      text('  overload: { detector: ARIMA }'),
      [expect.stringMatching(/^line 5: spec.overload.detector: expected one of "THR"\|"EWMA"/) as string],
    ],
    [
      'several at once',
      text('  paused: 1\n  budgets: { parallelMigrationsPerCluster: 0, other: 1 }'),
      [
        'line 5: spec.paused: expected boolean, received number',
        'line 6: spec.budgets.parallelMigrationsPerCluster: Too small: expected number to be >=1',
        'line 6: spec.budgets.other: unknown field',
      ],
    ],
    [
      'release above trigger',
      text('  victim:\n    releaseThresholds:\n      cpu: 0.9'),
      [
        'line 7: spec.victim.releaseThresholds.cpu: expected less than the trigger overload.targetThresholds.cpu (0.8), received 0.9',
      ],
    ],
    [
      'filling a target up to the trigger',
      text('  target: { fillThresholds: { cpu: 0.8 } }'),
      [
        'line 5: spec.target.fillThresholds.cpu: expected less than the trigger overload.targetThresholds.cpu (0.8), received 0.8',
      ],
    ],
    [
      'return above release',
      text('  returnHome: { returnThresholds: { cpu: 0.75 } }'),
      [
        'line 5: spec.returnHome.returnThresholds.cpu: expected at most victim.releaseThresholds.cpu (0.5), received 0.75',
      ],
    ],
    [
      'a forecast that fires below release',
      text('  overload: { detector: LR, safetyParameter: 2 }'),
      [
        'line 5: spec.overload.safetyParameter: expected less than 1 / 0.75: LR would fire below victim.releaseThresholds, received 2',
      ],
    ],
    [
      'immediate below trigger',
      text('  overload: { immediateThresholds: { memory: 0.8 } }'),
      [
        'line 5: spec.overload.immediateThresholds.memory: expected at least the trigger overload.targetThresholds.memory (0.85), received 0.8',
      ],
    ],
    [
      'a cap below its floor',
      text('  budgets: { migrationCooldown: 7h }'),
      ['line 5: spec.budgets.maxMigrationCooldown: expected at least budgets.migrationCooldown'],
    ],
    [
      'a history too short for the cap',
      text('  budgets: { migrationHistoryWindow: 5h }'),
      [
        'line 5: spec.budgets.migrationHistoryWindow: expected at least budgets.maxMigrationCooldown: a forgotten move can not be waited for',
      ],
    ],
    [
      'load in circles',
      text('  target: { tiers: [edge, cloud] }'),
      ['line 5: spec.target.tiers: expected none of overload.tiers, received edge: load would travel in circles'],
    ],
    [
      'another version',
      text('  {}').replace('v1alpha1', 'v9'),
      ['line 1: apiVersion: expected "policy.godwit.dev/v1alpha1"'],
    ],
  ];
  test.each(cases)('%s', (_, policy, expected) => {
    expect(faultsOf(policy)).toEqual(expected);
  });

  test('a text that explodes when its aliases are resolved', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [index, name] of ['b', 'c', 'd', 'e', 'f'].entries())
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${'abcdef'[index]}`).join(', ')}]`);
    expect(faultsOf(bomb.join('\n'))).toEqual(['(root): expected object, received undefined']);
  });
});

describe('docs/reference/policy.md', () => {
  const page = readFileSync(new URL('../../docs/reference/policy.md', import.meta.url), 'utf8');

  test('shows a policy that is right', () => {
    const example = /```yaml\n([^`]*)```/.exec(page)?.[1] ?? '';
    expect(faultsOf(example)).toEqual([]);
  });

  const leaves = (value: object, path: string[] = []): string[][] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) && Object.keys(inner).length > 0
        ? leaves(inner, [...path, key])
        : [[...path, key]],
    );

  test.each(leaves(defaultPolicy().spec).map((path) => [path.join('.'), path.at(-1) ?? '']))(
    'explains %s',
    (_, field) => {
      expect(page).toMatch(new RegExp(`^\\| \`[^|]*\\b${field}\\b[^|]*\``, 'm'));
    },
  );
});
