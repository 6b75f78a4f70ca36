import { expect, test } from 'vitest';
import { eventOf } from '../test/helpers/cli-fixtures.ts';
import { sourceJournal, targetJournal } from './agent/journal.fixtures.ts';
import type { Journal } from './agent/journal.ts';
import { createMetrics } from './metrics.ts';

const linesOf = async (journals: Journal[], ...events: ReturnType<typeof eventOf>[]): Promise<string[]> => {
  const metrics = createMetrics(() => journals);
  for (const event of events) metrics.told(event);
  return (await metrics.registry.metrics()).split('\n');
};

test('an end is counted by result and strategy, with what was measured', async () => {
  const measurements = { freezeMs: 150, drainMs: 1500, totalMs: 4000, memoryBytes: 1000, filesBytes: 10 };
  const lines = await linesOf(
    [],
    eventOf('a', 'freeze', { measurements }),
    eventOf('a', 'ended', { result: 'succeeded', measurements }),
    eventOf('b', 'in-doubt'),
    eventOf('b', 'ended', { result: 'rolled-back', measurements }),
  );
  for (const line of [
    'godwit_migrator_migrations_total{result="succeeded",strategy="warm"} 1',
    'godwit_migrator_migrations_total{result="rolled-back",strategy="warm"} 1',
    'godwit_migrator_in_doubt_total 1',
    'godwit_migrator_moved_bytes_total{kind="memory"} 1000',
    'godwit_migrator_moved_bytes_total{kind="files"} 10',
    'godwit_migrator_freeze_seconds_sum{strategy="warm"} 0.15',
    'godwit_migrator_drain_seconds_sum{strategy="warm"} 1.5',
    'godwit_migrator_migration_seconds_count{strategy="warm"} 1',
  ])
    expect(lines).toContain(line);
});

test.each<[string, Journal, string[]]>([
  ['a source that waits', sourceJournal({ record: 'committed' }), ['open_migrations{state="stopped"} 1']],
  [
    'one that runs again',
    sourceJournal({ record: 'committed', attested: true }),
    ['open_migrations{state="running"} 1'],
  ],
  ['a held copy', targetJournal({ heldAt: 1 }), ['open_migrations{state="held"} 1', 'page_daemons{state="waiting"} 1']],
  [
    'a copy without all of its pages',
    targetJournal({ heldAt: 1, runningAt: 2 }),
    ['open_migrations{state="running"} 1', 'page_daemons{state="serving"} 1'],
  ],
  ['one with all of them', targetJournal({ runningAt: 2, drainMs: 5 }), ['page_daemons{state="serving"} 0']],
  [
    'a lost one',
    targetJournal({ runningAt: 2, lost: true }),
    ['open_migrations{state="lost"} 1', 'page_daemons{state="lost"} 1'],
  ],
  ['one that has ended', targetJournal({ runningAt: 2, ended: true }), ['open_migrations{state="running"} 0']],
])('%s', async (_, journal, expected) => {
  expect(await linesOf([journal])).toEqual(expect.arrayContaining(expected.map((line) => `godwit_migrator_${line}`)));
});
