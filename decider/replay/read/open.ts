import { createInterface } from 'node:readline';
import { GodwitError, messageOf } from '../../../lib/errors.ts';
import { readRecording } from '../recording/read.ts';
import type { Trace } from '../trace.ts';
import { isBitbrains, readBitbrains } from './bitbrains.ts';
import { isMachineUsage, readMachineUsage } from './machine-usage.ts';
import { planetLabIntervalMs, readPlanetLab } from './planetlab.ts';
import { openText, type RowOptions } from './rows.ts';
import { tenantsTrace } from './tenants.ts';

/** Memory of a workload of a trace that has none. */
const someBytes = 870e6;

/** Reads a recording or a public trace, whichever its first line says it is. @throws E_INPUT */
export async function openTrace(options: RowOptions, capacityPoints: number): Promise<Trace> {
  const first = await firstLine(options.file);
  if (first.startsWith('{"recording":')) return readRecording(options);
  if (first.startsWith('trace,node,slice,')) return planetLabTrace(options, capacityPoints);
  if (isBitbrains(first)) return readBitbrains(options, capacityPoints);
  if (isMachineUsage(first)) return readMachineUsage(options, capacityPoints);
  throw new GodwitError(
    'E_INPUT',
    `${options.file}:1:1: expected a recording, or PlanetLab, Bitbrains or machine usage CSV, received ${JSON.stringify(first.slice(0, 60))}`,
  );
}

async function planetLabTrace(options: RowOptions, capacityPoints: number): Promise<Trace> {
  const tenants = (await readPlanetLab(options)).map(({ trace, node, usage }) => ({
    name: trace,
    node,
    samples: usage.map((points, step) => ({
      at: step * planetLabIntervalMs,
      cores: points / 100,
      memoryBytes: someBytes,
    })),
  }));
  return tenantsTrace('planetlab', tenants, { intervalMs: planetLabIntervalMs, capacityPoints });
}

async function firstLine(file: string): Promise<string> {
  const text = openText(file);
  try {
    for await (const line of createInterface({ input: text })) return line.replace(/^\uFEFF/, '');
    return '';
  } catch (error) {
    throw new GodwitError('E_INPUT', `${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    text.destroy();
  }
}
