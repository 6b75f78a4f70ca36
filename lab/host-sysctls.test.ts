import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { releaseSysctls, takeSysctls } from './host-sysctls.ts';
import { type LabSettings, labSettings } from './settings.ts';

let folder: string;
let settings: LabSettings;
let [size, pages]: [string, string] = ['', ''];
let wanted: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sysctls-'));
  settings = labSettings({ sysctlDir: join(folder, 'kept') });
  [size, pages] = [join(folder, 'size'), join(folder, 'pages')];
  wanted = { [size]: '1000', [pages]: '0' };
  await writeFile(size, '10\n');
  await writeFile(pages, '20\n');
});
afterEach(() => rm(folder, { recursive: true }));

const values = async (): Promise<string[]> =>
  (await Promise.all([size, pages].map((path) => readFile(path, 'utf8')))).map((value) => value.trim());

test('the last lab gives the first values back, and leaves nothing', async () => {
  await takeSysctls(settings, 'one', wanted);
  await takeSysctls(settings, 'two', wanted);
  expect(await values()).toEqual(['1000', '0']);
  await releaseSysctls(settings, 'one', wanted);
  expect(await values()).toEqual(['1000', '0']);
  await releaseSysctls(settings, 'two', wanted);
  expect(await values()).toEqual(['10', '20']);
  await expect(stat(settings.sysctlDir)).rejects.toThrow('ENOENT');
});

test('a lab counts once, and one that never took any changes nothing', async () => {
  await takeSysctls(settings, 'one', wanted);
  await takeSysctls(settings, 'one', wanted);
  await releaseSysctls(settings, 'other', wanted);
  expect(await values()).toEqual(['1000', '0']);
  await releaseSysctls(settings, 'one', wanted);
  await releaseSysctls(settings, 'one', wanted);
  expect(await values()).toEqual(['10', '20']);
});

test('what somebody else has set since stays', async () => {
  await takeSysctls(settings, 'one', wanted);
  await writeFile(size, '77\n');
  await releaseSysctls(settings, 'one', wanted);
  expect(await values()).toEqual(['77', '20']);
});
