import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPlanetLab } from './planetlab.ts';

const header = 'trace,node,slice,u000,u001';
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-rows-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(text: string | Buffer, { skip = false, name = 'day.csv' } = {}) {
  const file = join(folder, name);
  await writeFile(file, text);
  const skipped: string[] = [];
  const rows = await readPlanetLab({ file, skipBadRows: skip, skipped: (place) => skipped.push(place) });
  return { rows, skipped: skipped.map((place) => place.replace(`${file}:`, '')) };
}

test('rows, in their order', async () => {
  const { rows } = await read(`${header}\na_x,a,x,1,99\nb_y,b,y,0,7\n`);
  expect(rows).toEqual([
    { trace: 'a_x', node: 'a', usage: [1, 99] },
    { trace: 'b_y', node: 'b', usage: [0, 7] },
  ]);
});

test('gzip, byte order mark and CRLF', async () => {
  const { rows } = await read(gzipSync(`\uFEFF${header}\r\na_x,a,x,1,2\r\n`), { name: 'day.csv.gz' });
  expect(rows).toEqual([{ trace: 'a_x', node: 'a', usage: [1, 2] }]);
});

describe('bad rows', () => {
  const cases: [string, string, string][] = [
    ['a word for a number', 'a_x,a,x,1,high', '3:5: expected a percentage from 0 to 100, received "high"'],
    ['nothing for a number', 'a_x,a,x,,2', '3:4: expected a percentage from 0 to 100, received ""'],
    ['more than all', 'a_x,a,x,1,101', '3:5: expected a percentage from 0 to 100, received "101"'],
    ['less than nothing', 'a_x,a,x,-1,1', '3:4: expected a percentage from 0 to 100, received "-1"'],
    ['too few fields', 'a_x,a,x,1', '3:5: expected 5 fields, received 4'],
    ['too many fields', 'a_x,a,x,1,2,3', '3:6: expected 5 fields, received 6'],
    ['no node', 'a_x,,x,1,2', '3:2: expected the name of the node, received nothing'],
    ['a trace again', 'good,g,x,1,2', '3:1: expected each trace once, received good again'],
  ];
  test.each(cases)('%s stops the run, with line and column', async (_, row, place) => {
    await expect(read(`${header}\ngood,g,x,1,2\n${row}\n`)).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringContaining(place),
      next: expect.stringContaining('--skip-bad-rows'),
    });
  });

  test.each(cases)('%s is passed over on request', async (_, row, place) => {
    const { rows, skipped } = await read(`${header}\ngood,g,x,1,2\n${row}\nlast,g,x,3,4\n`, { skip: true });
    expect(rows.map(({ trace }) => trace)).toEqual(['good', 'last']);
    expect(skipped).toEqual([place]);
  });
});

test('a file of something else, none, and half a file are faults even so', async () => {
  await expect(read('hello\n', { skip: true })).rejects.toMatchObject({ code: 'E_INPUT' });
  await expect(read('', { skip: true })).rejects.toMatchObject({ code: 'E_INPUT' });
  const whole = gzipSync(`${header}\n${Array.from({ length: 500 }, (_, i) => `t${i},n,x,${i % 100},2`).join('\n')}\n`);
  await expect(read(whole.subarray(0, whole.length / 2), { skip: true, name: 'half.csv.gz' })).rejects.toMatchObject({
    code: 'E_INPUT',
  });
  await expect(
    readPlanetLab({ file: join(folder, 'missing.csv'), skipBadRows: true, skipped: () => undefined }),
  ).rejects.toMatchObject({ code: 'E_INPUT' });
});
