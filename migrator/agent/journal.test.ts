import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalFile, type Paths } from '../paths.ts';
import { claims, openJournals, type SourceJournal, type TargetJournal } from './journal.ts';

let paths: Paths;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-journal-'));
  paths = { state: folder, run: folder, runcRoot: folder };
});
afterEach(() => rm(paths.state, { recursive: true, force: true }));

const day = 86_400_000;
const source = (more: Partial<SourceJournal> = {}): SourceJournal => ({
  role: 'source',
  migration: 'm-1',
  epoch: 3,
  term: 1,
  workload: 'w',
  ended: false,
  updatedAt: 0,
  filesPushed: false,
  attested: false,
  switched: false,
  released: false,
  ...more,
});

const target = (more: Partial<TargetJournal> = {}): TargetJournal => ({
  role: 'target',
  migration: 'm-1',
  epoch: 3,
  term: 1,
  workload: 'w',
  ended: false,
  updatedAt: 0,
  strategy: 'warm',
  source: 'edge-1',
  spec: {
    name: 'w',
    image: 'unmanaged',
    keeps: 'memory',
    strategy: 'auto',
    home: 'edge-1',
    restartPolicy: 'always',
    migrate: true,
    priority: 0,
    startedAt: 0,
    config: {},
  },
  memoryBytes: 0,
  lazy: true,
  boot: 'boot',
  committed: true,
  lost: false,
  destroyed: false,
  ...more,
});

test('what was saved is there after a restart', async () => {
  const journals = await openJournals(paths, () => 1000);
  await journals.save(source({ record: 'committed' }));
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
  await journals.save(source({ migration: 'm-old', ended: true }));
  await journals.save(source({ migration: 'm-open', record: 'open' }));
  const later = await openJournals(paths, () => 8 * day);
  expect(later.all().map(({ migration }) => migration)).toEqual(['m-open']);
});

test('a file that is no journal is named with its fault', async () => {
  await openJournals(paths, () => 0);
  await writeFile(journalFile(paths, 'm-bad'), '{"role":"source"}');
  await expect(openJournals(paths, () => 0)).rejects.toThrow(/m-bad\.json: .*migration/);
});

test.each([
  ['nothing is stopped yet', source(), false],
  ['the record is open', source({ record: 'open' }), true],
  ['it is committed', source({ record: 'committed' }), true],
  ['the target attested that its copy is gone', source({ record: 'committed', attested: true }), false],
  ['it was aborted', source({ record: 'aborted' }), false],
  ['it has ended', source({ record: 'open', ended: true }), false],
  ['the copy is held', target({ committed: false }), true],
  ['the copy runs', target({ runningAt: 1 }), false],
  ['the copy ran before this boot', target({ runningAt: 1, boot: 'former' }), true],
  ['the copy is lost', target({ runningAt: 1, lost: true }), true],
  ['the copy is destroyed', target({ runningAt: 1, lost: true, destroyed: true }), false],
])('who may start the workload when %s', (_, journal, claimed) => {
  expect(claims(journal, 'w', 'boot')).toBe(claimed);
  expect(claims(journal, 'other', 'boot')).toBe(false);
});
