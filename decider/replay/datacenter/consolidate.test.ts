import { describe, expect, test } from 'vitest';
import { type Baseline, parseBaseline } from '../../baseline/baseline.ts';
import { advance } from './advance.ts';
import { baselinePolicy } from './baseline-policy.ts';
import type { Migration } from './plan.ts';
import { createDatacenter, type Datacenter, type Host } from './state.ts';

/** VMs with constant use in percent, of 2500, 2000, 1000 and 500 MIPS by quarters, on the hosts of these indices, at the first sample. */
function center(...vms: [percent: number, host: number][]): Datacenter {
  const state = createDatacenter(
    vms.map(([percent], vm) => ({ name: `vm-${vm}`, percent: Array<number>(288).fill(percent) })),
  );
  for (const [index, [, host]] of vms.entries()) {
    const vm = state.vms[index];
    if (!vm) continue;
    vm.host = state.hosts[host] as Host;
    vm.host.vms.push(vm);
  }
  advance(state, 300.1);
  return state;
}

const names = (migrations: Migration[]): string[] =>
  migrations.map(({ vm, target }) => `${vm.name} to ${target.index}`);
const decide = (state: Datacenter, policy = 'THR-MMT-0.8') =>
  names(baselinePolicy(parseBaseline(policy) as Baseline, 1)(state));

describe('an overloaded host', () => {
  // 2250 + 1800 + 900 + 450 of 5320 MIPS; 4256 are allowed
  const hot = () => center([90, 1], [90, 1], [90, 1], [90, 1]);

  test.each([
    // least memory first until the rest is within: 613 MB, then 870; the most demanding is placed first
    ['THR-MMT-0.8', ['vm-0 to 3', 'vm-3 to 5']],
    // all use the same share of their own: the first of the list
    ['THR-MU-0.8', ['vm-0 to 3']],
    ['THR-MMT-1.0', ['vm-3 to 3']],
  ])('%s: sheds until it is within, to the hosts whose power rises least', (policy, expected) => {
    expect(decide(hot(), policy)).toEqual(expected);
  });

  test('what it sheds goes nowhere where it would overload', () => {
    // a host that is on and would stand at 0.85
    const [move] = decide(center([90, 1], [90, 1], [90, 1], [90, 1], [90, 3], [90, 3], [90, 3], [20, 3]));
    expect(move).toBe('vm-0 to 5');
  });
});

describe('the least used host', () => {
  test('is emptied where all of its VMs find room on hosts that are on', () => {
    expect(decide(center([10, 1], [20, 3]))).toEqual(['vm-0 to 3']);
  });

  test('stays where one of them finds none', () => {
    expect(decide(center([60, 1], [80, 3], [80, 3], [80, 3]))).toEqual([]);
  });

  test('is not emptied into one that has been emptied', () => {
    expect(decide(center([10, 1], [20, 3], [60, 5]))).toEqual(['vm-0 to 3', 'vm-2 to 3']);
  });
});

test('a VM that was just placed is moved on with its host: a defect of the original, kept', () => {
  // host 7 sheds 60 MIPS to host 0, whose power rises least at 62 %; host 0, the least used one, is then emptied
  const demands = [
    ...[769, 769, 769].map((mips) => [mips, 0] as const),
    ...[1, 3, 5].flatMap((host) => Array.from({ length: 5 }, () => [681, host] as const)),
    ...[1400, 1400, 1400, 60].map((mips) => [mips, 7] as const),
  ];
  const state = center(...demands.map(([, host]): [number, number] => [50, host]));
  for (const [index, vm] of state.vms.entries()) {
    const mips = demands[index]?.[0] ?? 0;
    vm.type = { mips: 2 * mips, memoryMb: mips === 60 ? 613 : 870 };
  }
  advance(state, 600.1);
  expect(decide(state)).toEqual(['vm-21 to 0', 'vm-0 to 1', 'vm-1 to 3', 'vm-2 to 5', 'vm-21 to 1']);
});
