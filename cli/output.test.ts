import { describe, expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import type { Io } from './io.ts';
import { age, bytes, createPrinter, duration, type Kind, type OutputOptions } from './output.ts';

interface Bird {
  name: string;
  km?: number;
}

const birds: Kind<Bird> = {
  kind: 'bird',
  name: ({ name }) => name,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'KM', value: ({ km }) => km },
    { header: 'LETTERS', wide: true, value: ({ name }) => name.length },
  ],
};

function printed(options: Partial<OutputOptions & { stream: boolean }>, ...batches: Bird[][]): string {
  let out = '';
  const write = (text: string): void => {
    out += text;
  };
  const io: Io = { out: write, err: write, env: {}, clock: systemClock, signal: new AbortController().signal };
  const print = createPrinter<Bird>(io, { output: 'table', headers: true, ...options });
  for (const batch of batches) print(birds, batch);
  return out;
}

describe('a table', () => {
  it('has upper-case headers, three spaces between columns, and nothing behind the last', () => {
    expect(printed({}, [{ name: 'godwit', km: 13_560 }, { name: 'knot' }])).toBe(
      'NAME     KM\ngodwit   13560\nknot     <none>\n',
    );
  });

  it('goes on below the headers that stand already', () => {
    expect(printed({}, [{ name: 'godwit', km: 1 }], [{ name: 'knot', km: 22 }])).toBe(
      'NAME     KM\ngodwit   1\nknot     22\n',
    );
  });

  it('has no headers when there is nothing, or nobody wants them', () => {
    expect(printed({}, [])).toBe('');
    expect(printed({ headers: false }, [{ name: 'knot', km: 2 }])).toBe('knot   2\n');
  });

  it('shows all columns when wide', () => {
    expect(printed({ output: 'wide' }, [{ name: 'knot', km: 2 }])).toBe('NAME   KM   LETTERS\nknot   2    4\n');
  });
});

describe('other formats', () => {
  const two = [{ name: 'godwit', km: 1 }, { name: 'knot' }];

  it('are an array, or names', () => {
    expect(JSON.parse(printed({ output: 'json' }, two))).toEqual(two);
    expect(printed({ output: 'yaml' }, two)).toBe('- name: godwit\n  km: 1\n- name: knot\n');
    expect(printed({ output: 'name' }, two)).toBe('bird/godwit\nbird/knot\n');
  });

  it('are one object after the other while watching', () => {
    expect(printed({ output: 'json', stream: true }, two)).toBe('{"name":"godwit","km":1}\n{"name":"knot"}\n');
    expect(printed({ output: 'yaml', stream: true }, [{ name: 'knot' }])).toBe('---\nname: knot\n');
  });
});

it.each([
  [0, '0s'],
  [-5000, '0s'],
  [59_999, '59s'],
  [300_000, '5m'],
  [7_200_000, '2h'],
  [90_000_000, '1d'],
])('an age of %d ms is %s', (elapsed, text) => expect(age(1e12, 1e12 + elapsed)).toBe(text));

it.each([
  [85.4, '85ms'],
  [1250, '1.25s'],
  [125_000, '2m5s'],
  [119_900, '2m0s'],
  [59_999, '1m0s'],
  [999.7, '1.00s'],
])('%d ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

it.each([
  [2048, '2Ki'],
  [64 * 2 ** 20, '64.0Mi'],
  [1.5 * 2 ** 30, '1.5Gi'],
])('%d bytes are %s', (value, text) => expect(bytes(value)).toBe(text));
