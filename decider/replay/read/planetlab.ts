import { GodwitError } from '../../../lib/errors.ts';
import { BadRow, expectFields, numberIn, type RowOptions, readRows, textIn } from './rows.ts';

/** One PlanetLab trace: CPU in percent of one core, a value each 300 s. */
export interface PlanetLabRow {
  trace: string;
  node: string;
  usage: number[];
}

export const planetLabIntervalMs = 300_000;
const percent = { min: 0, max: 100, what: 'a percentage from 0 to 100' };
const named = 3;

/** Columns `trace,node,slice,u000,u001,…`, as many values a row as the header names. @throws E_INPUT */
export async function readPlanetLab(options: RowOptions): Promise<PlanetLabRow[]> {
  const rows: PlanetLabRow[] = [];
  const seen = new Set<string>();
  let columns = 0;
  await readRows(options, (fields) => {
    if (columns === 0) {
      columns = headerOf(fields);
      return;
    }
    expectFields(fields, columns);
    const trace = textIn(fields, 0, 'the name of the trace');
    if (seen.has(trace)) throw new BadRow(1, `expected each trace once, received ${trace} again`);
    const node = textIn(fields, 1, 'the name of the node');
    const usage = Array.from({ length: columns - named }, (_, step) => numberIn(fields, named + step, percent));
    seen.add(trace);
    rows.push({ trace, node, usage });
  });
  if (rows.length === 0) throw new GodwitError('E_INPUT', `${options.file}: expected a trace, found no usable row`);
  return rows;
}

function headerOf(fields: readonly string[]): number {
  const wrong = ['trace', 'node', 'slice', 'u000'].findIndex((name, index) => fields[index] !== name);
  if (wrong >= 0) throw new BadRow(wrong + 1, 'expected the header trace,node,slice,u000,u001,…');
  return fields.length;
}
