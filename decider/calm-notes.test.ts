import { expect, test } from 'vitest';
import { GodwitError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import { type CalmNotes, calmNotesSchema, noteCalm } from './calm-notes.ts';
import { containerOf, sampleOf, start, worldWith } from './fixtures.ts';
import { applyTelemetry } from './world/apply.ts';

/** A workload away from each of two homes; edge-1 is calm, edge-2 busy. */
function worldOfTwoHomes() {
  const away = ['one', 'two'].map((name, index) => ({ name, cores: 0.5, home: `edge-${index + 1}` }));
  const world = worldWith([
    { name: 'cloud-1', residents: away },
    { name: 'edge-1', residents: [] },
    { name: 'edge-2', residents: [{ name: 'api', cores: 4 }] },
  ]);
  for (const [index, cores] of [0, 4].entries())
    applyTelemetry(
      world,
      sampleOf(`edge-${index + 1}`, cores > 0 ? [containerOf('api', cores)] : [], { sequence: 1, at: start + 10_000 }),
    );
  return world;
}

/** Runs `rounds` of it; `leads` in each. */
async function noted(leads: boolean[], fail: (home: string, round: number) => boolean = () => false) {
  const controller = new AbortController();
  const written: [home: string, notes: CalmNotes][] = [];
  let round = 0;
  await noteCalm({
    world: worldOfTwoHomes(),
    leads: () => leads[round] ?? false,
    store: {
      put: async (home, notes) => {
        if (fail(home, round)) throw new GodwitError('E_BUS', 'no server');
        written.push([home, notes]);
        return 1;
      },
    },
    clock: {
      now: () => start,
      monotonic: () => 0,
      sleep: async () => {
        if (++round >= leads.length) controller.abort();
      },
    },
    log: createLogger('test', { level: 'silent' }),
    signal: controller.signal,
  });
  return written;
}

test('the leader notes the calm homes, in the form that it is read in', async () => {
  const [note, ...more] = await noted([true]);
  expect(more).toEqual([]);
  expect(note?.[0]).toBe('edge-1');
  expect(calmNotesSchema.parse(JSON.parse(JSON.stringify(note?.[1])))).toEqual([
    {
      workload: 'one',
      node: 'cloud-1',
      since: start,
      until: start + 10_000,
      peakCpuRatio: 0.125,
      peakMemoryRatio: 0.03125,
    },
  ]);
});

test('who does not lead notes nothing', async () => {
  expect(await noted([false, false])).toEqual([]);
});

test('a note that can not be stored is tried again at the next round', async () => {
  expect(await noted([true, true], (_, round) => round === 0)).toHaveLength(1);
});
