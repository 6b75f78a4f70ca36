import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import { GodwitError, messageOf } from '../../../lib/errors.ts';

/** A row that can not be used; lines and columns count from 1. */
export class BadRow extends Error {
  readonly column: number;
  constructor(column: number, expected: string) {
    super(expected);
    this.name = 'BadRow';
    this.column = column;
  }
}

export interface RowOptions {
  file: string;
  /** Goes on behind a bad row, and tells `skipped` of it, instead of ending the run. */
  skipBadRows: boolean;
  skipped(place: string): void;
}

const maxRowBytes = 1 << 20;

/**
 * Hands each row of a CSV file, gzip'd or not, to `take`, which may throw BadRow.
 * @throws E_INPUT with file, line and column of the first bad row
 */
export async function readRows(options: RowOptions, take: (fields: string[], line: number) => void): Promise<void> {
  const parser = parse({
    info: true,
    relax_column_count: true,
    bom: true,
    skip_empty_lines: true,
    // none of these formats quotes, and one stray mark must not swallow the rows behind it
    quote: false,
    max_record_size: maxRowBytes,
  });
  const text = openText(options.file);
  text.on('error', (error) => parser.destroy(error));
  text.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>)
      attempt(options, info.lines, () => take(record, info.lines));
  } catch (error) {
    text.destroy();
    if (error instanceof GodwitError) throw error;
    const place = error instanceof CsvError && 'lines' in error ? `:${String(error.lines)}` : '';
    throw new GodwitError('E_INPUT', `${options.file}${place}: ${messageOf(error)}`, { cause: error });
  }
}

function attempt({ file, skipBadRows, skipped }: RowOptions, line: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BadRow)) throw error;
    const place = `${file}:${line}:${error.column}: ${error.message}`;
    if (!skipBadRows)
      throw new GodwitError('E_INPUT', place, { cause: error, next: '--skip-bad-rows goes on without such rows' });
    skipped(place);
  }
}

export function openText(file: string): Readable {
  const raw = createReadStream(file);
  if (!file.endsWith('.gz')) return raw;
  const unzipped = createGunzip();
  raw.on('error', (error) => unzipped.destroy(error));
  return raw.pipe(unzipped);
}

/** @throws BadRow */
export function numberIn(
  fields: readonly string[],
  index: number,
  range: { min: number; max: number; what: string },
): number {
  const text = fields[index] ?? '';
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < range.min || value > range.max)
    throw new BadRow(index + 1, `expected ${range.what}, received ${JSON.stringify(text)}`);
  return value;
}

/** @throws BadRow */
export function textIn(fields: readonly string[], index: number, what: string): string {
  const text = fields[index] ?? '';
  if (text.trim() === '') throw new BadRow(index + 1, `expected ${what}, received nothing`);
  return text;
}

/** @throws BadRow */
export function expectFields(fields: readonly string[], count: number): void {
  if (fields.length !== count)
    throw new BadRow(Math.min(fields.length, count) + 1, `expected ${count} fields, received ${fields.length}`);
}
