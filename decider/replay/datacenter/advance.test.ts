import { describe, expect, test } from 'vitest';
import { advance, updateHost } from './advance.ts';
import { createDatacenter, type Datacenter, demandShare, type Host, utilization, type Vm } from './state.ts';

/** VMs of types 2500, 2000, 1000 and 500 MIPS with constant use in percent, all on the host of that index. */
function center(percents: number[], index: number): { center: Datacenter; host: Host; vms: Vm[] } {
  const state = createDatacenter(
    percents.map((percent, vm) => ({ name: `vm-${vm}`, percent: Array<number>(288).fill(percent) })),
  );
  const host = state.hosts[index] as Host;
  host.vms.push(...state.vms);
  for (const vm of state.vms) vm.host = host;
  return { center: state, host, vms: state.vms };
}

const given = (vms: Vm[]): (number | undefined)[] => vms.map(({ record }) => record.last?.allocated);

describe('shares of a host', () => {
  test('each gets what it asks for where there is enough', () => {
    const { host, vms } = center([40, 30, 20, 10], 0);
    updateHost(host, 300.1);
    expect(given(vms)).toEqual([1000, 600, 200, 50]);
    expect(utilization(host)).toBeCloseTo(1850 / 3720, 12);
  });

  test('at most a core each, and the host then owes the rest', () => {
    const { host, vms } = center([100], 0);
    updateHost(host, 300.1);
    expect(given(vms)).toEqual([1860]);
    expect(host.record.last).toMatchObject({ allocated: 1860, requested: 2500 });
  });

  test('less in proportion, in whole MIPS, where there is not', () => {
    // 1860 (capped) + 1600 + 800 + 400 = 4660 of 3720
    const { host, vms } = center([100, 80, 80, 80], 0);
    updateHost(host, 300.1);
    expect(given(vms)).toEqual([1484, 1277, 638, 319]);
  });

  test('one that moves is slowed by a tenth; its target bears a tenth of it', () => {
    const { center: state, host, vms } = center([40, 30], 0);
    const target = state.hosts[2] as Host;
    const [moved] = vms as [Vm];
    moved.moving = true;
    target.vms.push(moved);
    target.arriving.add(moved);
    updateHost(target, 300.1);
    updateHost(host, 300.1);
    expect(given(vms)).toEqual([900, 600]);
    expect(host.used).toBeCloseTo(1600, 9);
    expect(target.record.last).toMatchObject({ allocated: 100, requested: 1000 });
  });
});

describe('from one time to the next', () => {
  test('energy is that of the mean power; an empty host was off', () => {
    const { center: state, host } = center([40, 30, 20, 10], 0);
    advance(state, 300.1);
    expect(state.joules).toBe(0);
    advance(state, 600.1);
    // 1850 of 3720 MIPS: 49.73 %
    expect(state.joules).toBeCloseTo(300 * (99.5 + 2.5 * (10 * (1850 / 3720) - 4)), 6);
    expect(host.record).toMatchObject({ activeSeconds: expect.closeTo(300, 9), violatedSeconds: 0, shutdowns: 0 });
  });

  test('a VM that asks for nothing has ended', () => {
    const { center: state, host } = center([0, 30], 0);
    advance(state, 300.1);
    expect(host.vms.map(({ name }) => name)).toEqual(['vm-1']);
    expect(state.vms[0]?.host).toBeUndefined();
  });

  test('history is one value a step, the newest 30', () => {
    const { center: state, vms } = center([40], 1);
    for (let step = 1, at = 0.1 + 300; step <= 40; step++, at += 300) {
      advance(state, at);
      advance(state, at + 9.808);
    }
    expect(vms[0]?.history).toEqual(Array(30).fill(0.4));
  });
});

test('demand lies on the line between two samples, and stays after the last', () => {
  const [vm] = createDatacenter([{ name: 'a', percent: [0, 10, 40, ...Array<number>(285).fill(20)] }]).vms as [Vm];
  expect(demandShare(vm, 300)).toBeCloseTo(0.1, 12);
  expect(demandShare(vm, 400)).toBeCloseTo(0.2, 12);
  expect(demandShare(vm, 86_399)).toBeCloseTo(0.2, 12);
});
