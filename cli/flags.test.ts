import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { choice, countFlag, parseFlags, sizeFlag, timeFlag } from './flags.ts';
import { nearest } from './suggest.ts';

describe('quantities', () => {
  it.each([
    [sizeFlag, '512', 512],
    [sizeFlag, '4Gi', 4 * 2 ** 30],
    [sizeFlag, '1.5Ki', 1536],
    [sizeFlag, '20M', 20_000_000],
    [timeFlag, '500ms', 500],
    [timeFlag, '5m', 300_000],
    [countFlag, '50', 50],
  ])('%# %s', (flag, text, value) => expect(flag.parse(text)).toBe(value));

  it.each([
    [sizeFlag, '4gb'],
    [sizeFlag, '-1'],
    [sizeFlag, ''],
    [timeFlag, '5'],
    [timeFlag, '1h30m'],
    [countFlag, '0'],
    [countFlag, '1e3'],
  ])('%# %j is none', (flag, text) => expect(flag.safeParse(text).success).toBe(false));
});

it('names every wrong flag at once', () => {
  const shape = { size: sizeFlag, kind: choice('kind', ['nodes', 'workloads']) };
  expect(() => parseFlags(shape, { size: 'x', kind: 'node' }, 'get')).toThrow(
    'get: size: expected a size such as 512Mi or 4Gi, not "x"; kind: there is no kind "node"; did you mean nodes?',
  );
  expect(() => parseFlags({ to: z.string() }, {}, 'get')).toThrow(/^get: to: /);
});

it.each([
  ['edge-l', 'edge-1'],
  ['trainr', 'trainer'],
  ['zzz', undefined],
  ['', undefined],
])('the nearest to %j is %s', (name, known) => expect(nearest(name, ['edge-1', 'trainer', 'cloud-1'])).toBe(known));
