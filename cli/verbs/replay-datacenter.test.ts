import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { runCommandLine } from '../command-line.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-replay-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const header = [
  'trace',
  'node',
  'slice',
  ...Array.from({ length: 288 }, (_, step) => `u${String(step).padStart(3, '0')}`),
];
const row = (name: string, percent: number): string => [name, 'node', 'slice', ...Array(288).fill(percent)].join(',');

async function godwit(lines: string[], ...flags: string[]) {
  const file = join(folder, 'day.csv');
  await writeFile(file, `${[header.join(','), ...lines].join('\n')}\n`);
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
  };
  const code = await runCommandLine(['replay', 'datacenter', file, ...flags], io);
  return { code, out: out.join(''), err: err.join('') };
}

describe('godwit replay datacenter', () => {
  test.each([['THR-MMT-0.8'], ['default']])('%s: prints the measures as JSON', async (policy) => {
    const { code, out, err } = await godwit([row('a', 10), row('b', 10)], '--policy', policy, '-o', 'json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ migrations: 1, hostShutdowns: 799, slatah: expect.closeTo(0.000324, 5) });
    expect(Object.keys(JSON.parse(out))).toEqual([
      'energyKwh',
      'slatah',
      'pdm',
      'slav',
      'esv',
      'migrations',
      'hostShutdowns',
    ]);
  });

  test('never moves nothing', async () => {
    const { out } = await godwit([row('a', 10), row('b', 10)], '--policy', 'never', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ migrations: 0, hostShutdowns: 798 });
  });

  test('the order of the rows does not matter: the names give the types', async () => {
    const rows = [row('a', 10), row('b', 60)];
    const [one, other] = [await godwit(rows), await godwit(rows.toReversed())];
    expect(one.out).toBe(other.out);
  });

  test.each([
    [['--policy', 'THR-XX-1'], /policy THR-XX-1: expected a victim selection/],
    [['--seed', 'x'], /seed: expected a whole number/],
    [['--policy', 'nowhere.yaml'], /nowhere.yaml can not be read/],
  ])('%j is refused', async (flags, reason) => {
    const { code, err } = await godwit([row('a', 10)], ...flags);
    expect(code).toBe(2);
    expect(err).toMatch(reason);
  });

  test('a bad row is named with its line and column', async () => {
    const { code, err } = await godwit([row('a', 10), row('b', 10).replace('10', 'x')]);
    expect(code).toBe(2);
    expect(err).toMatch(/day.csv:3:4: expected a percentage/);
  });
});
