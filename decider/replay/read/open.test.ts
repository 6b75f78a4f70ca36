import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readFrom } from './fixtures.ts';
import { openTrace } from './open.ts';

const read = (content: string | Buffer, how: { skip?: boolean; name?: string } = {}) =>
  readFrom(content, (options) => openTrace(options, 100), how);

const planetLab = 'trace,node,slice,u000,u001\na_x,a,x,1,99\nb_y,a,y,0,7\n';
const bitbrains = 't,vm,cpu_pct,mem_used_mb,disk_read_KBps,disk_write_KBps,net_rx_KBps,net_tx_KBps\n0,1,2,3,0,0,0,0\n';
const recording = [
  '{"recording":"godwit","version":1}',
  '{"series":0,"site":"s","node":"n","tier":"edge","boot":"b","intervalMs":1000,"capacityCores":1,"capacityBytes":1}',
  '[0,1,2000,0.5,1]',
].join('\n');

test.each([
  ['planetlab', planetLab],
  ['bitbrains', bitbrains],
  ['machine-usage', 'm_1,10,20,30\n'],
  ['recording', recording],
])('the first line tells that it is %s, also gzipped and behind a byte order mark', async (format, text) => {
  expect((await read(text)).value.format).toBe(format);
  expect((await read(gzipSync(text), { name: 'day.gz' })).value.format).toBe(format);
  expect((await read(`\uFEFF${text}`)).value.format).toBe(format);
});

test('PlanetLab: traces of a node share it', async () => {
  const { value: trace } = await read(planetLab);
  expect(trace).toMatchObject({ steps: 2, intervalMs: 300_000 });
  expect(trace.workloads.map(({ facts, node, demand }) => [facts.name, node, [...demand.cores]])).toEqual([
    ['a_x', 'a', [0.01, 0.99]],
    ['b_y', 'a', [0, 0.07]],
  ]);
});

describe('a fault even on request', () => {
  test.each([
    ['something else', 'hello\n', ':1:1: expected a recording, or PlanetLab, Bitbrains or machine usage CSV'],
    ['an empty file', '', ':1:1: expected a recording'],
  ])('%s', async (_, text, message) => {
    await expect(read(text, { skip: true })).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining(message),
    });
  });

  test('what is not gzip', async () => {
    await expect(read('hello\n', { skip: true, name: 'day.gz' })).rejects.toMatchObject({ code: 'E_INPUT' });
  });

  test('no such file', async () => {
    const options = { file: 'no-such-folder/day.gz', skipBadRows: true, skipped: () => undefined };
    await expect(openTrace(options, 100)).rejects.toMatchObject({ code: 'E_INPUT' });
  });
});
