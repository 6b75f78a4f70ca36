import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerOf, gibibyte, recordOf, sampleOf, start, workloadOf } from '../../fixtures.ts';
import { namedPolicy } from '../edge/policies.ts';
import { replayTrace } from '../summary.ts';
import { createCollector } from './collect.ts';
import { createEncoder } from './encode.ts';
import { readRecording } from './read.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-recording-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const steps = 40;
/** An edge node of 4 cores that is overloaded from the start, and a cloud node. */
function* samples() {
  for (let sequence = 0; sequence < steps; sequence++) {
    const at = start + sequence * 10_000;
    const hot = [containerOf('a', 2.5, gibibyte), containerOf('b', 1.25, gibibyte)];
    yield sampleOf('edge-1', hot, { sequence, at, cpu: { usageCores: 3.85, capacityCores: 4 } });
    yield sampleOf('cloud-1', [], { sequence, at, cores: 16, memoryBytes: 64 * gibibyte });
  }
}
const records = [
  recordOf('edge-1', [workloadOf('a', 'edge-1'), workloadOf('b', 'edge-1')], { uplinkBytesPerSecond: 1e8 }),
  recordOf('cloud-1', []),
];

async function written(lines: (text: string) => string = (text) => text): Promise<string> {
  const encoder = createEncoder();
  let text = encoder.head();
  for (const record of records) text += encoder.node(record);
  for (const sample of samples()) text += encoder.sample(sample);
  const file = join(folder, `${Math.random()}.gz`);
  await writeFile(file, gzipSync(lines(text)));
  return file;
}
const read = (file: string, skipped: string[] = []) =>
  readRecording({ file, skipBadRows: skipped.length > 0, skipped: (place) => skipped.push(place) });

test('what was recorded is what is read', async () => {
  const collector = createCollector('recording');
  for (const record of records) collector.node(record);
  for (const sample of samples()) collector.sample(sample);
  const trace = await read(await written());
  expect(trace).toEqual(collector.trace());
  expect(trace).toMatchObject({ startAt: start, intervalMs: 10_000, steps });
  expect(trace.nodes[0]?.background?.cores[0]).toBeCloseTo(0.1, 10);
});

test('a record that has only been seen again is not written again', () => {
  const encoder = createEncoder();
  const [record] = records;
  if (!record) throw new Error('no record');
  expect(encoder.node(record)).not.toBe('');
  expect(encoder.node({ ...record, updatedAt: record.updatedAt + 30_000 })).toBe('');
  expect(encoder.node({ ...record, workloads: [] })).not.toBe('');
});

test('the live core decides on it: the same twice, another way under another policy', async () => {
  const file = await written();
  const run = async (name: string) => {
    const policy = namedPolicy(name);
    if (!policy) throw new Error(name);
    return replayTrace(await read(file), policy, { stopwatch: () => performance.now() });
  };
  const first = await run('default');
  expect(first.moves).toHaveLength(1);
  expect((await run('default')).summary.hash).toBe(first.summary.hash);
  expect((await run('never')).summary.hash).not.toBe(first.summary.hash);
});

test('a hole while a workload moves is filled with what it last had', async () => {
  const collector = createCollector('recording');
  const at = (sequence: number) => ({ sequence, at: start + sequence * 10_000 });
  collector.sample(sampleOf('edge-1', [containerOf('a', 2)], at(0)));
  collector.sample(sampleOf('edge-1', [], at(1)));
  collector.sample(sampleOf('edge-1', [containerOf('a', 1)], at(2)));
  expect([...(collector.trace().workloads[0]?.demand.cores ?? [])]).toEqual([2, 2, 1]);
});

describe('bad lines', () => {
  const cases: [string, string, string][] = [
    ['no JSON', '[0,1,2', 'JSON'],
    ['nothing known', '{"hello":1}', 'line: '],
    ['a word for a number', '[0,1,2,"x",1]', 'sample: [3]: '],
    ['a negative number', '[0,1,2,-0.5,1]', 'sample: [3]: '],
    ['too few numbers', '[0,1,2,1]', 'sample: '],
    ['a container of too few numbers', '[0,1,2,1,1,[0,1,1]]', 'sample: [5]'],
    ['a series that nobody named', '[99,1,1,1,1]', 'expected a series that was named before, received 99'],
    [
      'a workload that nobody named',
      '[0,1,1,1,1,[99,1,1,0]]',
      'expected a workload that was named before, received 99',
    ],
    ['a node without a capacity', '{"node":{"name":"x"}}', 'line: '],
  ];
  const withLine = (bad: string) =>
    written((text) => {
      const lines = text.trimEnd().split('\n');
      return [...lines.slice(0, 8), bad, ...lines.slice(8), ''].join('\n');
    });

  test.each(cases)('%s stops the run, with its line', async (_, bad, fault) => {
    const file = await withLine(bad);
    await expect(read(file)).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringMatching(/:9:1: /),
      next: expect.stringContaining('--skip-bad-rows'),
    });
    await expect(read(file)).rejects.toMatchObject({ message: expect.stringContaining(fault) });
  });

  test.each(cases)('%s is passed over on request', async (_, bad, fault) => {
    const skipped = ['on request'];
    const trace = await read(await withLine(bad), skipped);
    expect(trace).toEqual(await read(await written()));
    expect(skipped).toEqual(['on request', expect.stringMatching(/:9:1: /)]);
    expect(skipped[1]).toContain(fault);
  });
});

describe('a fault even on request', () => {
  test.each([
    ['a head of another version', (text: string) => text.replace('"version":1', '"version":2')],
    ['nothing at all', () => ''],
    ['a time of another age', (text: string) => `${text}[0,99,1e15,1,1]\n`],
  ])('%s', async (_, change) => {
    await expect(read(await written(change), ['on request'])).rejects.toMatchObject({ code: 'E_INPUT' });
  });

  test('gzip cut short', async () => {
    const whole = await readFile(await written());
    const file = join(folder, 'half.gz');
    await writeFile(file, whole.subarray(0, whole.length / 2));
    await expect(read(file, ['on request'])).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining('unexpected end of file'),
    });
  });
});

test('a sample from before the first is left out; a late or repeated one counts once, in its place', async () => {
  const collector = createCollector('recording');
  for (const step of [0, 2, 1, 1, -1])
    collector.sample(
      sampleOf('edge-1', [containerOf('a', step + 1)], { sequence: step + 1, at: start + step * 10_000 }),
    );
  expect([...(collector.trace().workloads[0]?.demand.cores ?? [])]).toEqual([1, 2, 3]);
});

test('an empty recording is a fault', async () => {
  await expect(read(await written((text) => text.split('\n')[0] ?? ''))).rejects.toMatchObject({ code: 'E_INPUT' });
});
