import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readBitbrains } from './bitbrains.ts';
import { readFrom } from './fixtures.ts';

const header = 't,vm,cpu_pct,mem_used_mb,disk_read_KBps,disk_write_KBps,net_rx_KBps,net_tx_KBps';
const row = (start: string): string => `${start},0,0,0,0`;
const csv = (...rows: string[]): string => `${[header, ...rows].join('\n')}\n`;

const read = (content: string | Buffer, how: { skip?: boolean; name?: string } = {}) =>
  readFrom(content, (options) => readBitbrains(options, 200), how);

test('each VM is a workload, 100 % are a core, 300 s are a step', async () => {
  const { value: trace } = await read(
    csv(row('600,7,50,1000'), row('900,7,150,2000'), row('1200,7,0,0'), row('900,8,1.5,3')),
  );
  expect(trace).toMatchObject({ format: 'bitbrains', startAt: 600_000, intervalMs: 300_000, steps: 3 });
  expect(trace.workloads.map(({ facts, node }) => [facts.name, node])).toEqual([
    ['vm-7', 'node-1'],
    ['vm-8', 'node-1'],
  ]);
  expect(trace.workloads.map(({ demand }) => [...demand.cores])).toEqual([
    [0.5, 1.5, 0],
    [Number.NaN, 0.015, Number.NaN],
  ]);
  expect([...(trace.workloads[0]?.demand.memoryBytes ?? [])]).toEqual([1e9, 2e9, 0]);
  expect(trace.nodes[0]?.capacity.cores).toBe(2);
});

test('the order of the rows of a VM does not matter', async () => {
  const { value: trace } = await read(csv(row('900,7,20,1'), row('600,7,10,1'), row('1200,7,30,1')));
  expect([...(trace.workloads[0]?.demand.cores ?? [])]).toEqual([0.1, 0.2, 0.3]);
});

test('five VMs share a node, and there is a cloud', async () => {
  const { value: trace } = await read(csv(...[1, 2, 3, 4, 5, 6].map((vm) => row(`0,${vm},1,1`))));
  expect(trace.workloads.map(({ node }) => node)).toEqual([...Array<string>(5).fill('node-1'), 'node-2']);
  expect(trace.nodes.map(({ name }) => name)).toEqual(['node-1', 'node-2', 'cloud']);
});

describe('bad rows', () => {
  const cases: [string, string, string][] = [
    ['too few columns', '600,7,1,1,0,0,0', '4:8: expected 8 fields, received 7'],
    ['too many columns', row('600,7,1,1,0'), '4:9: expected 8 fields, received 9'],
    ['a word for the time', row('noon,7,1,1'), '4:1: expected a time in seconds, received "noon"'],
    ['a negative time', row('-300,7,1,1'), '4:1: expected a time in seconds, received "-300"'],
    ['no VM', row('600,,1,1'), '4:2: expected the number of a VM, received nothing'],
    ['a word for a share', row('600,7,high,1'), '4:3: expected a percentage, received "high"'],
    ['nothing for a share', row('600,7,,1'), '4:3: expected a percentage, received ""'],
    ['a negative share', row('600,7,-1,1'), '4:3: expected a percentage, received "-1"'],
    ['a share beyond ten times all', row('600,7,1001,1'), '4:3: expected a percentage, received "1001"'],
    ['no number at all', row('600,7,NaN,1'), '4:3: expected a percentage, received "NaN"'],
    ['negative memory', row('600,7,1,-1'), '4:4: expected megabytes, received "-1"'],
    ['memory of no machine', row('600,7,1,1e9'), '4:4: expected megabytes, received "1e9"'],
    ['a quotation mark', row('600,7,1"2,1'), '4:3: expected a percentage, received "1\\"2"'],
    ['a time again', row('300,7,9,9'), '4:1: expected each time once, received 300 again'],
    ['a time again, later', row('0,7,9,9'), '4:1: expected each time once, received 0 again'],
  ];
  const good = [row('0,7,1,1'), row('300,7,2,1')];

  test.each(cases)('%s stops the run, with line and column', async (_, bad, place) => {
    await expect(read(csv(...good, bad, row('600,7,3,1')))).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining(`:${place}`),
      next: expect.stringContaining('--skip-bad-rows'),
    });
  });

  test.each(cases)('%s is passed over on request', async (_, bad, place) => {
    const { value: trace, skipped } = await read(csv(...good, bad, row('600,7,3,1')), { skip: true });
    expect([...(trace.workloads[0]?.demand.cores ?? [])]).toEqual([0.01, 0.02, 0.03]);
    expect(skipped).toEqual([place]);
  });
});

describe('a fault even on request', () => {
  test.each([
    ['an empty file', ''],
    ['a header alone', csv()],
    ['columns in another order', `t,vm,mem_used_mb,cpu_pct,a,b,c,d\n${row('0,7,1,1')}\n`],
  ])('%s', async (_, content) => {
    await expect(read(content, { skip: true })).rejects.toMatchObject({ code: 'E_INPUT' });
  });

  test('gzip cut short', async () => {
    const whole = gzipSync(csv(...Array.from({ length: 500 }, (_, step) => row(`${step * 300},7,${step % 97},1`))));
    expect((await read(whole, { name: 'day.csv.gz' })).value.steps).toBe(500);
    await expect(read(whole.subarray(0, whole.length / 2), { skip: true, name: 'day.csv.gz' })).rejects.toMatchObject({
      code: 'E_INPUT',
    });
  });
});
