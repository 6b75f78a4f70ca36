import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { summarize } from './report.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-report-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const counts = { numFailedTests: 0, numFailedTestSuites: 0, numPendingTests: 0, numTodoTests: 0, success: true };
const write = (name: string, content: object): Promise<void> => writeFile(join(folder, name), JSON.stringify(content));

it('adds the projects up and names each skip with its reason', async () => {
  await write('unit.json', { ...counts, numPassedTests: 5, numPendingTests: 1 });
  await write('unit.skips.json', [{ test: 'a > b', reason: 'needs cgroup v2' }]);
  await write('e2e.json', { ...counts, numPassedTests: 2 });
  expect(await summarize(folder)).toEqual({
    text: 'skipped: a > b: needs cgroup v2\n7 passed, 0 failed, 1 skipped',
    ok: true,
  });
});

it('fails with a failed test', async () => {
  await write('unit.json', { ...counts, numPassedTests: 5, numFailedTests: 1, success: false });
  expect(await summarize(folder)).toEqual({ text: '5 passed, 1 failed, 0 skipped', ok: false });
});

it.each([
  ['nothing ran', undefined],
  ['no test was found', { ...counts, numPassedTests: 0 }],
  ['a file could not be loaded', { ...counts, numPassedTests: 3, numFailedTestSuites: 1, success: false }],
])('fails when %s', async (_what, report) => {
  if (report) await write('unit.json', report);
  const { text, ok } = await summarize(folder);
  expect(ok).toBe(false);
  expect(text).toMatch(/^failed: /);
});
