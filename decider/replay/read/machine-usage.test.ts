import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readFrom } from './fixtures.ts';
import { readMachineUsage } from './machine-usage.ts';

const csv = (...rows: string[]): string => `${rows.join('\n')}\n`;
const read = (content: string | Buffer, how: { skip?: boolean; name?: string } = {}) =>
  readFrom(content, (options) => readMachineUsage(options, 400), how);
const coresOf = (trace: Awaited<ReturnType<typeof read>>['value'], name: string): number[] => [
  ...(trace.workloads.find(({ facts }) => facts.name === name)?.demand.cores ?? []),
];

test('each machine is a node, its load four equal workloads', async () => {
  const { value: trace } = await read(csv('m_1,100,40,50,,,1,2,3', 'm_1,110,80,25,,,1,2,3', 'm_2,110,20,100,,,1,2,3'));
  expect(trace).toMatchObject({ format: 'machine-usage', startAt: 100_000, intervalMs: 10_000, steps: 2 });
  expect(trace.nodes.map(({ name, capacity }) => [name, capacity.cores])).toEqual([
    ['m_1', 4],
    ['m_2', 4],
    ['cloud', 1e6],
  ]);
  expect(trace.workloads.map(({ facts, node }) => [facts.name, facts.home, node])).toEqual(
    ['m_1', 'm_2'].flatMap((node) => [1, 2, 3, 4].map((share) => [`${node}-${share}`, node, node])),
  );
  expect(coresOf(trace, 'm_1-1')).toEqual([0.4, 0.8]);
  expect(coresOf(trace, 'm_2-4')).toEqual([Number.NaN, 0.2]);
  expect([...(trace.workloads[0]?.demand.memoryBytes ?? [])]).toEqual([2 ** 30, 2 ** 29]);
});

test('the interval is the shortest step of the first machine, whatever the order of its rows', async () => {
  const { value: trace } = await read(csv('m_1,60,3,1', 'm_1,0,1,1', 'm_1,30,2,1'));
  expect(trace.intervalMs).toBe(30_000);
  expect(coresOf(trace, 'm_1-1')).toEqual([0.01, 0.02, 0.03]);
});

test('a machine with one row has steps of five minutes', async () => {
  expect((await read(csv('m_1,60,3,1'))).value).toMatchObject({ intervalMs: 300_000, steps: 1 });
});

describe('bad rows', () => {
  const percentage = 'expected a percentage from 0 to 100, received';
  const cases: [string, string, string][] = [
    ['too few columns', 'm_1,20,1', '3:4: expected at least 4 fields, received 3'],
    ['no machine', ',20,1,1', '3:1: expected the name of a machine, received nothing'],
    ['a word for the time', 'm_1,noon,1,1', '3:2: expected a time in seconds, received "noon"'],
    ['a negative time', 'm_1,-1,1,1', '3:2: expected a time in seconds, received "-1"'],
    ['a word for a share', 'm_1,20,high,1', `3:3: ${percentage} "high"`],
    ['nothing for a share', 'm_1,20,,1', `3:3: ${percentage} ""`],
    ['the mark of an invalid value', 'm_1,20,-1,1', `3:3: ${percentage} "-1"`],
    ['the other mark of one', 'm_1,20,101,1', `3:3: ${percentage} "101"`],
    ['negative memory', 'm_1,20,1,-1', `3:4: ${percentage} "-1"`],
    ['more than all memory', 'm_1,20,1,100.5', `3:4: ${percentage} "100.5"`],
    ['a time again', 'm_1,0,9,9', '3:2: expected each time once, received 0 again'],
  ];

  test.each(cases)('%s stops the run, with line and column', async (_, bad, place) => {
    await expect(read(csv('m_1,0,4,1', 'm_1,10,8,1', bad, 'm_1,20,12,1'))).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining(`:${place}`),
      next: expect.stringContaining('--skip-bad-rows'),
    });
  });

  test.each(cases)('%s is passed over on request', async (_, bad, place) => {
    const rows = csv('m_1,0,4,1', 'm_1,10,8,1', bad, 'm_1,20,12,1');
    const { value: trace, skipped } = await read(rows, { skip: true });
    expect(coresOf(trace, 'm_1-1')).toEqual([0.04, 0.08, 0.12]);
    expect(skipped).toEqual([place]);
  });
});

describe('a fault even on request', () => {
  test.each([
    ['an empty file', ''],
    ['bad rows alone', csv('m_1,0,101,1', 'm_1,10,101,1')],
    ['a time of another age', csv('m_1,0,1,1', 'm_1,0.001,1,1', 'm_1,1e10,1,1')],
  ])('%s', async (_, content) => {
    await expect(read(content, { skip: true })).rejects.toMatchObject({ code: 'E_INPUT' });
  });

  test('gzip cut short', async () => {
    const whole = gzipSync(csv(...Array.from({ length: 500 }, (_, step) => `m_1,${step * 10},${step % 97},1`)));
    expect((await read(whole, { name: 'day.csv.gz' })).value.steps).toBe(500);
    await expect(read(whole.subarray(0, whole.length / 2), { skip: true, name: 'day.csv.gz' })).rejects.toMatchObject({
      code: 'E_INPUT',
    });
  });
});
