import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sourceJournal } from '../agent/journal.fixtures.ts';
import { markArrived, setGuard, tidyMarks } from './marks.ts';

test('marks stay as long as their pods, guards no longer than their move, and what is not understood stays', async () => {
  const state = await mkdtemp(join(tmpdir(), 'godwit-marks-'));
  onTestFinished(() => rm(state, { recursive: true }));
  const paths = { state, run: state, runcRoot: state };
  const pod = async (uid: string) => {
    const folder = join(state, 'pods', uid);
    await mkdir(folder, { recursive: true });
    return { uid, folder, container: 'c', bundle: '/b', cgroup: '/c' };
  };
  const [going, back, saved, moved, arrived] = [
    await pod('going'),
    await pod('back'),
    await pod('saved'),
    await pod('moved'),
    await pod('arrived'),
  ];
  for (const one of [going, back, saved, moved]) await setGuard(paths, one, `m-${one.uid}`, 'main');
  await markArrived(paths, arrived, 'm-arrived');
  expect(JSON.parse(await readFile(join(state, 'guards/going'), 'utf8'))).toMatchObject({ container: 'main' });
  const journals = [
    sourceJournal({ migration: 'm-going', record: 'open' }),
    sourceJournal({ migration: 'm-back', record: 'aborted' }),
    sourceJournal({ migration: 'm-saved', record: 'committed', attested: true }),
    sourceJournal({ migration: 'm-moved', record: 'committed', ended: true }),
  ];
  const left = async (): Promise<string[]> =>
    [...(await readdir(join(state, 'guards'))), ...(await readdir(join(state, 'arrived')))].sort();
  await tidyMarks(paths, journals);
  expect(await left()).toEqual(['arrived', 'going', 'moved']);
  for (const one of [moved, arrived]) await rm(one.folder, { recursive: true });
  await tidyMarks(paths, journals);
  expect(await left()).toEqual(['going']);
  await writeFile(join(state, 'guards/a-torn-one'), 'torn');
  await rm(going.folder, { recursive: true });
  await expect(tidyMarks(paths, journals)).rejects.toMatchObject({ code: 'E_INPUT' });
  expect(await left()).toEqual(['a-torn-one']);
});
