import { describe, expect, test } from 'vitest';
import type { Tier } from '../../lib/contract/names.ts';
import type { ContainerSample, Telemetry } from '../../lib/contract/telemetry.ts';
import { containerOf, gibibyte, policyOf, sampleOf, start } from '../fixtures.ts';
import { signalParams } from '../signals/params.ts';
import { observe } from '../signals/signals.ts';
import { newNode } from '../world/nodes.ts';
import { countOverload, type Finding, findOverload, outlasts } from './overload.ts';
import { overloadParams } from './params.ts';
import { overloadText } from './report.ts';

const { spec } = policyOf('{ signals: { timeConstant: 1ms } }');

/** Findings after `samples` equal samples. */
function findings(containers: ContainerSample[], samples: number, options: { tier?: Tier; spec?: typeof spec } = {}) {
  const node = newNode('edge-1', 'site', options.tier ?? 'edge');
  const params = overloadParams(options.spec ?? spec);
  for (let sequence = 0; sequence < samples; sequence++) {
    const at = start + sequence * 10_000;
    observe(node, sampleOf('edge-1', containers, { sequence, at, tier: node.tier }), signalParams(spec));
    countOverload(node, params);
  }
  return findOverload(node, params).map(({ kind, workload, immediate }) => ({ kind, workload, immediate }));
}

const cpu = { kind: 'cpu', workload: undefined, immediate: false };
const memory = { kind: 'memory', workload: undefined, immediate: false };

describe('a node', () => {
  const cases: [string, ContainerSample[], number, object[]][] = [
    ['cool', [containerOf('a', 3)], 9, []],
    ['at the trigger, not beyond', [containerOf('a', 3.2)], 9, []],
    ['hot in CPU, held', [containerOf('a', 3.3)], 4, []],
    ['hot in CPU', [containerOf('a', 3.3)], 5, [cpu]],
    ['hot in memory, held', [containerOf('a', 1, 7 * gibibyte)], 4, []],
    ['hot in memory', [containerOf('a', 1, 7 * gibibyte)], 5, [memory]],
    ['short of memory at once', [containerOf('a', 1, 7.7 * gibibyte)], 1, [{ ...memory, immediate: true }]],
    ['worst first', [containerOf('a', 3.9, 7 * gibibyte)], 5, [cpu, memory]],
  ];
  test.each(cases)('%s', (_, containers, samples, expected) => {
    expect(findings(containers, samples)).toEqual(expected);
  });

  test('of a tier that takes what others shed is never relieved', () => {
    expect(findings([containerOf('a', 3.9)], 9, { tier: 'cloud' })).toEqual([]);
  });
});

describe('a workload at its own limit on a cool node', () => {
  const own = { kind: 'workload', workload: 'a', immediate: false };
  const cases: [string, Partial<ContainerSample>, number, object[]][] = [
    ['by usage', { cpuCores: 0.48, cpuLimitCores: 0.5 }, 5, [own]],
    ['by usage, held', { cpuCores: 0.48, cpuLimitCores: 0.5 }, 4, []],
    ['by throttling', { cpuCores: 0.3, cpuLimitCores: 0.5, throttledRatio: 0.6 }, 5, [own]],
    ['below its limit', { cpuCores: 0.4, cpuLimitCores: 0.5, throttledRatio: 0.1 }, 9, []],
    ['without a limit', { cpuCores: 1 }, 9, []],
  ];
  test.each(cases)('%s', (_, fields, samples, expected) => {
    expect(findings([{ ...containerOf('a', 0), ...fields }, containerOf('b', 0.1)], samples)).toEqual(expected);
  });

  test('is left alone when the policy says so', () => {
    const off = policyOf(
      '{ signals: { timeConstant: 1ms }, overload: { workloadThresholds: { enabled: false } } }',
    ).spec;
    expect(findings([{ ...containerOf('a', 0.5), cpuLimitCores: 0.5 }], 9, { spec: off })).toEqual([]);
  });
});

describe('the detector of the policy', () => {
  const withDetector = (fields: string) => policyOf(`{ signals: { timeConstant: 1h }, overload: { ${fields} } }`).spec;
  const hold = 'anomalyCondition: { consecutiveAbnormalities: 1, consecutiveNormalities: 1 }';

  /** Findings on the last of a row of samples, all of one workload. */
  function onRow(fields: string, row: number[], more: Partial<Telemetry> = {}) {
    const policy = withDetector(fields);
    const node = newNode('edge-1', 'site', 'edge');
    for (const [sequence, cores] of row.entries()) {
      const at = start + sequence * 10_000;
      observe(node, sampleOf('edge-1', [containerOf('a', cores)], { sequence, at, ...more }), signalParams(policy));
      countOverload(node, overloadParams(policy));
    }
    return { node, findings: findOverload(node, overloadParams(policy)), params: overloadParams(policy) };
  }

  test('THR sees a spike that EWMA does not', () => {
    const spike = [1, 1, 3.6];
    expect(onRow(`detector: THR, ${hold}`, spike).findings).toMatchObject([
      { kind: 'cpu', measure: 'usage', ratio: 0.9 },
    ]);
    expect(onRow(`detector: EWMA, ${hold}`, spike).findings).toEqual([]);
  });

  test('LR sees an overload come', () => {
    const ramp = Array.from({ length: 10 }, (_, index) => 1 + index / 5);
    expect(onRow(`detector: LR, safetyParameter: 1.1, ${hold}`, ramp).findings).toEqual([]);
    // at 2.8 of 4 cores, 0.2 more a sample; 256 MiB take three samples to move: 1.2 x 3.4 / 4
    const { findings, node } = onRow(`detector: LR, ${hold}`, ramp);
    expect(findings).toMatchObject([{ kind: 'cpu', measure: 'forecast', threshold: 1 }]);
    expect(findings[0]?.ratio).toBeCloseTo(1.02, 9);
    expect(overloadText(node, findings[0] as Finding)).toMatch(
      /^CPU of edge-1 was on its way, safety included, to 102 % for/,
    );
  });

  test('PSI fires on pressure alone', () => {
    const more = { cpu: { usageCores: 1, capacityCores: 4, pressureRatio: 0.5 } };
    expect(onRow(`detector: PSI, ${hold}`, [1], more).findings).toMatchObject([{ measure: 'pressure', ratio: 0.5 }]);
  });

  test('what is leaving is taken off every sample it looks back on', () => {
    const { node, findings, params } = onRow(`detector: LR, ${hold}`, Array<number>(10).fill(3.6));
    const finding = findings[0] as Finding;
    expect(outlasts(finding, node, { cores: 0.2, memoryBytes: 0 }, params)).toBe(true);
    expect(outlasts(finding, node, { cores: 0.4, memoryBytes: 0 }, params)).toBe(false);
  });

  test('a gap ends the row that it looks back on', () => {
    const policy = withDetector('detector: LR');
    const node = newNode('edge-1', 'site', 'edge');
    for (const [sequence, at] of [0, 10_000, 20_000, 3_600_000, 3_610_000].entries())
      observe(node, sampleOf('edge-1', [containerOf('a', 1)], { sequence, at: start + at }), signalParams(policy));
    expect(node.cpu.history).toEqual([1, 1]);
  });
});
