import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeMachine, firstLine } from '../../bench/shared/machine.ts';
import { natsServerBinary } from '../helpers/nats-server.ts';
import type { Outcome } from './play.ts';

/** One fault and what became of it; times in ms. */
export interface Row extends Partial<Outcome> {
  fault: string;
  point: string;
  strategy: string;
  driver: string;
  ok: boolean;
}

/** Plays one part of the matrix and notes in its row how it ended, or why it did not. */
export async function record(row: Row, play: () => Promise<Outcome>): Promise<void> {
  try {
    const outcome = await play();
    delete row.reason;
    Object.assign(row, outcome, { ok: true });
  } catch (error) {
    row.reason = (error as Error).message.split('\n')[0] ?? '';
    throw error;
  }
}

/** Writes `bench/results/faults.json`. `versions`: programs of the nodes by name. */
export async function writeResults(
  rows: readonly Row[],
  versions: Record<string, string>,
  durationMs: number,
): Promise<void> {
  const folder = resolve(import.meta.dirname, '../../bench/results');
  const natsServer = firstLine(await natsServerBinary(), ['--version']);
  const results = {
    machine: describeMachine({ natsServer, ...versions }),
    durationMs: Math.round(durationMs),
    passed: rows.filter(({ ok }) => ok).length,
    failed: rows.filter(({ ok }) => !ok).length,
    rows,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'faults.json'), `${JSON.stringify(results, null, 2)}\n`);
}
