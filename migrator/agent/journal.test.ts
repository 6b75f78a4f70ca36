import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalFile, type Paths } from '../paths.ts';
import { sourceJournal, targetJournal } from './journal.fixtures.ts';
import { claims, isDraining, openJournals } from './journal.ts';

let paths: Paths;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-journal-'));
  paths = { state: folder, run: folder, runcRoot: folder };
});
afterEach(() => rm(paths.state, { recursive: true, force: true }));

const day = 86_400_000;
test('what was saved is there after a restart', async () => {
  const journals = await openJournals(paths, () => 1000);
  await journals.save(sourceJournal({ record: 'committed' }));
  const again = await openJournals(paths, () => 2000);
  expect(again.get('m-1')).toMatchObject({ record: 'committed', updatedAt: 1000 });
});

test('an epoch that is over is refused, also after a restart', async () => {
  const journals = await openJournals(paths, () => 0);
  await journals.passFence(4);
  await expect(journals.passFence(3)).rejects.toMatchObject({ code: 'E_STALE' });
  const again = await openJournals(paths, () => 0);
  await expect(again.passFence(3)).rejects.toMatchObject({ code: 'E_STALE' });
  await again.passFence(4);
});

test('a journal of an ended migration goes after a week, one that is open never', async () => {
  const journals = await openJournals(paths, () => 0);
  await journals.save(sourceJournal({ migration: 'm-old', ended: true }));
  await journals.save(sourceJournal({ migration: 'm-open', record: 'open' }));
  const later = await openJournals(paths, () => 8 * day);
  expect(later.all().map(({ migration }) => migration)).toEqual(['m-open']);
});

test('a file that is no journal is named with its fault', async () => {
  await openJournals(paths, () => 0);
  await writeFile(journalFile(paths, 'm-bad'), '{"role":"source"}');
  await expect(openJournals(paths, () => 0)).rejects.toThrow(/m-bad\.json: .*migration/);
});

test.each([
  ['nothing is stopped yet', sourceJournal(), false],
  ['the record is open', sourceJournal({ record: 'open' }), true],
  ['it is committed', sourceJournal({ record: 'committed' }), true],
  ['the target attested that its copy is gone', sourceJournal({ record: 'committed', attested: true }), false],
  ['it was aborted', sourceJournal({ record: 'aborted' }), false],
  ['it has ended', sourceJournal({ record: 'open', ended: true }), false],
  ['the copy is held', targetJournal({ committed: false }), true],
  ['the copy runs', targetJournal({ runningAt: 1 }), false],
  ['the copy ran before this boot', targetJournal({ runningAt: 1, boot: 'former' }), true],
  ['the copy is lost', targetJournal({ runningAt: 1, lost: true }), true],
  ['the copy is destroyed', targetJournal({ runningAt: 1, lost: true, destroyed: true }), false],
])('who may start the workload when %s', (_, journal, claimed) => {
  expect(claims(journal, 'w', 'boot')).toBe(claimed);
  expect(claims(journal, 'other', 'boot')).toBe(false);
});

test.each([
  ['pages are still to come', targetJournal({ runningAt: 1, lazy: true }), true],
  ['every page is in', targetJournal({ runningAt: 1, lazy: true, drainMs: 5 }), false],
  ['it was restored whole', targetJournal({ runningAt: 1, lazy: false }), false],
  ['it does not run yet', targetJournal({ lazy: true }), false],
  ['it is destroyed', targetJournal({ runningAt: 1, lazy: true, destroyed: true }), false],
  ['the migration has ended', targetJournal({ runningAt: 1, lazy: true, ended: true }), false],
  ['this is the source', sourceJournal({ record: 'committed' }), false],
])('nobody starts a copy anew while it drains: %s', (_, journal, draining) => {
  expect(isDraining(journal, 'w')).toBe(draining);
  expect(isDraining(journal, 'other')).toBe(false);
});
