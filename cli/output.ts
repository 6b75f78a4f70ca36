import { stringify } from 'yaml';
import { z } from 'zod';
import { choice } from './flags.ts';
import type { Io } from './io.ts';

export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const;

/** Flags of every verb that prints objects. */
export const outputFlags = {
  output: choice('format', formats).default('table'),
  headers: z.boolean().default(true),
};
export interface OutputOptions {
  output: (typeof formats)[number];
  headers: boolean;
}

export interface Column<T> {
  header: string;
  /** Shown with `-o wide` only. */
  wide?: boolean;
  value(row: T): string | number | undefined;
}

export interface Kind<T> {
  /** As in `kind/name`. */
  kind: string;
  name(row: T): string;
  columns: Column<T>[];
}

export type Printer<T> = (kind: Kind<T>, rows: readonly T[]) => void;

/**
 * Prints rows as kubectl does: upper-case headers, columns three spaces apart, `<none>` where there is nothing. What is printed later
 * stands below the same headers. With `stream`, JSON is one object a line and YAML one document an object.
 */
export function createPrinter<T>(io: Io, options: OutputOptions & { stream?: boolean }): Printer<T> {
  const widths: number[] = [];
  let headersDue = options.headers;
  return (kind, rows) => {
    if (options.output !== 'table' && options.output !== 'wide') {
      io.out(objects(kind, rows, options));
      return;
    }
    const columns = kind.columns.filter((column) => options.output === 'wide' || !column.wide);
    const lines = rows.map((row) => columns.map((column) => cell(column.value(row))));
    if (headersDue && rows.length > 0) lines.unshift(columns.map((column) => column.header));
    headersDue &&= rows.length === 0;
    for (const line of lines)
      line.forEach((text, index) => {
        widths[index] = Math.max(widths[index] ?? 0, text.length);
      });
    for (const line of lines)
      io.out(`${line.map((text, index) => text.padEnd(widths[index] ?? 0)).join('   ')}`.trimEnd().concat('\n'));
  };
}

/** Prints a list that is complete. */
export function print<T>(io: Io, kind: Kind<T>, rows: readonly T[], options: OutputOptions): void {
  createPrinter<T>(io, options)(kind, rows);
}

function objects<T>(
  kind: Kind<T>,
  rows: readonly T[],
  { output, stream }: OutputOptions & { stream?: boolean },
): string {
  if (output === 'name') return rows.map((row) => `${kind.kind}/${kind.name(row)}\n`).join('');
  const format = (value: unknown): string =>
    output === 'yaml' ? stringify(value) : `${JSON.stringify(value, null, stream ? undefined : 2)}\n`;
  if (!stream) return format(rows);
  return rows.map((row) => (output === 'yaml' ? `---\n${format(row)}` : format(row))).join('');
}

/** Prints one record of numbers and words: a line a field, or as JSON or YAML. */
export function printRecord(io: Io, record: Record<string, string | number>, output: 'table' | 'json' | 'yaml'): void {
  if (output === 'json') io.out(`${JSON.stringify(record, null, 2)}\n`);
  else if (output === 'yaml') io.out(stringify(record));
  else {
    const width = Math.max(...Object.keys(record).map((name) => name.length));
    for (const [name, value] of Object.entries(record)) io.out(`${name.padEnd(width)}   ${shown(value)}\n`);
  }
}

const shown = (value: string | number): string =>
  typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value);

const cell = (value: string | number | undefined): string =>
  value === undefined || value === '' ? '<none>' : String(value);

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** The largest unit that fits, as in `5m`. */
export function age(at: number, now: number): string {
  const elapsed = Math.max(0, now - at);
  const [unit, size] = units.find(([, size]) => elapsed >= size) ?? ['s', 1000];
  return `${Math.floor(elapsed / size)}${unit}`;
}

/** Milliseconds as a person reads them: `85ms`, `1.25s`, `2m5s`. */
export function duration(ms: number): string {
  // what would be rounded up to the next unit is shown in it
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** Bytes with a binary unit: `512Ki`, `64.0Mi`, `1.5Gi`. */
export function bytes(value: number): string {
  if (value < 1 << 20) return `${Math.round(value / 1024)}Ki`;
  if (value < 1 << 30) return `${(value / (1 << 20)).toFixed(1)}Mi`;
  return `${(value / 2 ** 30).toFixed(1)}Gi`;
}
