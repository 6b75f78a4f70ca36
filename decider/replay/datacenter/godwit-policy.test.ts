import { describe, expect, test } from 'vitest';
import { policyOf } from '../../fixtures.ts';
import { advance } from './advance.ts';
import { godwitPolicy } from './godwit-policy.ts';
import { stepSeconds } from './hardware.ts';
import { createDatacenter, type Host } from './state.ts';

interface Scene {
  /** Percent by step and the host's index; VMs are of 2500, 2000, 1000 and 500 MIPS by quarters. */
  vms: { percent: (step: number) => number; host: number }[];
  spec?: string;
  steps: number;
}

/** Decisions of each step; nothing moves, so that a decision that is not held back is taken again. */
function decisions({ vms, spec = '{}', steps }: Scene): string[] {
  const state = createDatacenter(
    vms.map(({ percent }, vm) => ({
      name: `vm-${vm}`,
      percent: Array.from({ length: 288 }, (_, step) => percent(step)),
    })),
  );
  for (const [index, { host }] of vms.entries()) {
    const vm = state.vms[index];
    if (!vm) continue;
    vm.host = state.hosts[host] as Host;
    vm.host.vms.push(vm);
  }
  const policy = godwitPolicy(policyOf(spec).spec);
  return Array.from({ length: steps }, (_, step) => {
    advance(state, 0.1 + (step + 1) * stepSeconds);
    return policy(state)
      .map(({ vm, target }) => `${vm.name} to ${target.index}`)
      .join(', ');
  });
}

const steady = (percent: number) => () => percent;
const noReturn = 'returnHome: { enabled: false }';

describe('relief', () => {
  const hot = [90, 90, 90, 90].map((percent) => ({ percent: steady(percent), host: 1 }));

  test('waits for the hold, then moves the quickest that covers the excess', () => {
    // 5400 of 5320 MIPS, release at 3724: the excess of 1676 is covered by 2250 (870 MB) and 1800 (1740 MB)
    expect(decisions({ vms: hot, steps: 6, spec: `{ ${noReturn} }` })).toEqual(['', '', '', '', 'vm-0 to 3', '']);
  });

  test('rests after a move, twice as long after the next', () => {
    const spec = `{
      overload: { targetThresholds: { cpu: 0.6 }, anomalyCondition: { consecutiveAbnormalities: 1 } },
      victim: { releaseThresholds: { cpu: 0.55 } },
      target: { fillThresholds: { cpu: 0.55 } },
      returnHome: { enabled: false, returnThresholds: { cpu: 0.5 } }
    }`;
    // 2500 of 3720 MIPS; 14 s and 15 min, then 30 min
    const seen = decisions({ vms: [{ percent: steady(100), host: 0 }], steps: 12, spec });
    expect(seen.map((decision) => Number(decision !== ''))).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  });

  test('finds nothing where the peak of the window would not fit', () => {
    const bursts = { percent: (step: number) => (step === 2 ? 100 : 10), host: 3 };
    const vms = [...hot, bursts, bursts, bursts, bursts];
    expect(decisions({ vms, steps: 6, spec: `{ ${noReturn} }` })[4]).toMatch(/ to (?!3\b)\d+$/);
  });
});

describe('switching off', () => {
  const pair = [
    { percent: steady(10), host: 1 },
    { percent: steady(20), host: 3 },
  ];

  test('the least used host is emptied', () => {
    expect(decisions({ vms: pair, steps: 1 })).toEqual(['vm-0 to 3']);
  });

  test('not where the policy does not let workloads return', () => {
    expect(decisions({ vms: pair, steps: 1, spec: `{ ${noReturn} }` })).toEqual(['']);
  });

  test('not beyond the fill threshold of another, as it has been over the window', () => {
    const high = { percent: (step: number) => (step < 2 ? 100 : 40), host: 3 };
    const vms = [{ percent: steady(10), host: 1 }, high, high, high];
    // 2000 + 1000 + 500 of 5320 MIPS in the first sample; the window holds six
    const seen = decisions({ vms, steps: 7 });
    expect(seen.map((decision) => decision !== '')).toEqual([false, false, false, false, false, false, true]);
  });

  test('all VMs of a host or none', () => {
    const vms = [
      { percent: steady(20), host: 1 },
      { percent: steady(5), host: 1 },
      { percent: steady(100), host: 3 },
      { percent: steady(100), host: 3 },
      { percent: steady(100), host: 3 },
      { percent: steady(20), host: 3 },
    ];
    expect(decisions({ vms, steps: 1 })).toEqual(['']);
  });
});

test('nothing moves while the policy is paused', () => {
  const vms = [10, 20].map((percent, index) => ({ percent: steady(percent), host: 2 * index + 1 }));
  expect(decisions({ vms, steps: 3, spec: '{ paused: true }' })).toEqual(['', '', '']);
});

test('no more moves in a step than the budget has time for', () => {
  // 2500 MIPS: 13.92 s each; one at a time leaves 300 s for 21 of them
  const vms = Array.from({ length: 120 }, (_, index) => ({ percent: steady(5), host: index * 2 + 1 }));
  const [first = ''] = decisions({ vms, steps: 1, spec: '{ budgets: { parallelMigrationsPerCluster: 1 } }' });
  const count = first.split(', ').length;
  expect(count).toBeGreaterThan(5);
  expect(count).toBeLessThanOrEqual(Math.floor(300 / 9.808));
});
