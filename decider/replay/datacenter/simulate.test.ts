import { describe, expect, test } from 'vitest';
import { type Baseline, parseBaseline } from '../../baseline/baseline.ts';
import { policyOf } from '../../fixtures.ts';
import { drawOf } from '../../victim/draw.ts';
import { baselinePolicy } from './baseline-policy.ts';
import { godwitPolicy } from './godwit-policy.ts';
import { type DatacenterResult, simulate, type Trace } from './simulate.ts';

const constant = (name: string, percent: number): Trace => ({ name, percent: Array<number>(288).fill(percent) });
const baseline = (name: string) => baselinePolicy(parseBaseline(name) as Baseline, 1);

/** From the first sample to the last. */
const daySeconds = 85_800;

describe('by hand', () => {
  test('one VM of 2500 MIPS at 50 % on a G5, all day', () => {
    const result = simulate([constant('a', 50)], baseline('THR-MMT-0.8'));
    const watts = 101 + 4 * (10 * (1250 / 5320) - 2);
    expect(result.energyKwh).toBeCloseTo((watts * daySeconds) / 3.6e6, 9);
    expect(result).toMatchObject({ slatah: 0, pdm: 0, slav: 0, esv: 0, migrations: 0, hostShutdowns: 799 });
  });

  test('two VMs at 10 % start on two hosts; the second joins the first at the first sample', () => {
    const result = simulate([constant('a', 10), constant('b', 10)], baseline('THR-MMT-0.8'));
    // 2000 MIPS and 1740 MB: 27.84 s, in which the target owes 0.9 of 200 MIPS and the VM misses 0.1 of them
    expect(result.slatah).toBeCloseTo(27.84 / (daySeconds + 27.84), 9);
    expect(result.pdm).toBeCloseTo((20 * 27.84) / (450 * daySeconds), 12);
    expect(result.slav).toBeCloseTo(result.slatah * result.pdm, 15);
    expect(result.esv).toBeCloseTo(result.slav * result.energyKwh, 15);
    expect(result).toMatchObject({ migrations: 1, hostShutdowns: 799 });
  });
});

test('what is no day, or no trace, is refused', () => {
  expect(() => simulate([{ name: 'a', percent: [1, 2] }], baseline('THR-MMT-0.8'))).toThrow(
    /a: expected 288 samples, received 2/,
  );
  expect(() => simulate([], baseline('THR-MMT-0.8'))).toThrow(/received none/);
});

test('more VMs than the hosts have memory for are refused', () => {
  const crowd = Array.from({ length: 6000 }, (_, vm) => constant(`vm-${vm}`, 1));
  expect(() => simulate(crowd, baseline('THR-MMT-0.8'))).toThrow(/no host can take vm-\d+/);
});

/** Forty VMs, each on a level of its own with noise and now and then a burst, the same at every run. */
const synthetic: Trace[] = Array.from({ length: 40 }, (_, vm) => ({
  name: `vm-${String(vm).padStart(2, '0')}`,
  percent: Array.from({ length: 288 }, (_, step) => {
    const level = drawOf(`level/${vm}`) % 30;
    const burst = drawOf(`burst/${vm}/${Math.floor(step / 12)}`) % 10 === 0 ? 40 : 0;
    return 1 + level + burst + (drawOf(`noise/${vm}/${step}`) % 20);
  }),
}));

const rounded = ({ energyKwh, slatah, pdm, migrations, hostShutdowns }: DatacenterResult) => [
  energyKwh.toFixed(3),
  (slatah * 100).toFixed(3),
  (pdm * 100).toFixed(4),
  migrations,
  hostShutdowns,
];

describe('a synthetic day', () => {
  test.each([
    ['THR-MMT-0.8', ['19.382', '3.314', '0.0821', 1871, 1275]],
    ['IQR-MMT-1.5', ['19.429', '3.142', '0.0758', 1796, 1275]],
    ['MAD-MMT-2.5', ['18.735', '3.153', '0.0726', 1776, 1254]],
    ['LR-MMT-1.2', ['16.770', '1.929', '0.0339', 824, 1008]],
    ['THR-MC-0.8', ['18.106', '3.437', '0.0797', 1199, 1141]],
    ['THR-MU-0.8', ['19.539', '4.892', '0.0862', 1972, 1279]],
    ['THR-RS-0.8', ['18.200', '3.537', '0.0797', 1304, 1158]],
  ])('%s', (name, expected) => {
    expect(rounded(simulate(synthetic, baseline(name)))).toEqual(expected);
  });

  test('default', () => {
    expect(rounded(simulate(synthetic, godwitPolicy(policyOf().spec)))).toEqual([
      '16.615',
      '1.756',
      '0.0074',
      107,
      805,
    ]);
  });

  test('two runs are the same to the last bit', () => {
    const run = () => simulate(synthetic, baseline('LR-RS-1.2'));
    expect(run()).toEqual(run());
  });

  test('another seed draws other lots', () => {
    const parsed = parseBaseline('THR-RS-0.8') as Baseline;
    expect(simulate(synthetic, baselinePolicy(parsed, 1))).not.toEqual(simulate(synthetic, baselinePolicy(parsed, 2)));
  });
});
