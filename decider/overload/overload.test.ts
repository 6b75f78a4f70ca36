import { describe, expect, test } from 'vitest';
import type { Tier } from '../../lib/contract/names.ts';
import type { ContainerSample } from '../../lib/contract/telemetry.ts';
import { containerOf, gibibyte, policyOf, sampleOf, start } from '../fixtures.ts';
import { signalParams } from '../signals/params.ts';
import { observe } from '../signals/signals.ts';
import { newNode } from '../world/nodes.ts';
import { countOverload, findOverload } from './overload.ts';
import { overloadParams } from './params.ts';

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
