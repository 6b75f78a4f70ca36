import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemExec } from '../../lib/exec.ts';
import { cpuLimitLines } from './cpu-limit.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-limit-'));
});
afterEach(() => rm(folder, { recursive: true }));

const v1 = '3:memory:/elsewhere\n4:cpu,cpuacct:PATH\n0::/\n';
const v2 = '0::PATH\n';
const pod = '/kubepods/burstable/pod1';
const slice = '/kubepods.slice/kubepods-pod1.slice';

/** Plays the script in a container's group; answers what stands in the files while the limit is lifted, and after it. */
async function play(
  own: string,
  path: string,
  limits: Record<string, string>,
  agent = own.replace('PATH', '/agent'),
): Promise<Record<string, string>[]> {
  const mount = join(folder, 'cgroup');
  const files = { own: join(folder, 'own'), mount };
  await writeFile(files.own, own.replace('PATH', path));
  for (const [file, limit] of Object.entries(limits)) {
    await mkdir(join(mount, file, '..'), { recursive: true });
    await writeFile(join(mount, file), `${limit}\n`);
  }
  const { lift, putBack } = cpuLimitLines(folder, agent, files);
  const seen = [];
  for (const lines of [lift, putBack]) {
    await systemExec('/bin/sh', ['-c', lines.join('\n')]);
    const now = Object.keys(limits).map(async (file) => [file, (await readFile(join(mount, file), 'utf8')).trim()]);
    seen.push(Object.fromEntries(await Promise.all(now)) as Record<string, string>);
  }
  return seen;
}

test.each([
  ['of a container, v1', v1, '/w', { 'cpu/w/cpu.cfs_quota_us': '20000' }, { 'cpu/w/cpu.cfs_quota_us': '-1' }],
  ['of a container, v2', v2, '/w', { 'w/cpu.max': '20000 100000' }, { 'w/cpu.max': 'max' }],
  [
    'of a pod and its container, v1',
    v1,
    `${pod}/c`,
    { [`cpu${pod}/c/cpu.cfs_quota_us`]: '20000', [`cpu${pod}/cpu.cfs_quota_us`]: '30000' },
    { [`cpu${pod}/c/cpu.cfs_quota_us`]: '-1', [`cpu${pod}/cpu.cfs_quota_us`]: '-1' },
  ],
  [
    'of a pod of systemd and its container, v2',
    v2,
    `${slice}/c.scope`,
    { [`${slice}/c.scope/cpu.max`]: 'max 100000', [`${slice}/cpu.max`]: '30000 100000' },
    { [`${slice}/c.scope/cpu.max`]: 'max 100000', [`${slice}/cpu.max`]: 'max' },
  ],
])('the limit %s is lifted, and put back', async (_, own, path, limits, lifted) => {
  expect(await play(own, path, limits)).toEqual([lifted, limits]);
});

test("what limits the node's other work as well stays", async () => {
  const limits = { 'cpu/slice/cpu.cfs_quota_us': '50000', 'cpu/slice/w/cpu.cfs_quota_us': '-1' };
  expect(await play(v1, '/slice/w', limits)).toEqual([limits, limits]);
});

test("the agent's own groups are left alone", async () => {
  const limits = { 'cpu/w/cpu.cfs_quota_us': '20000' };
  expect(await play(v1, '/w', limits, v1.replace('PATH', '/w'))).toEqual([limits, limits]);
});

test('where nothing is limited there is nothing to do', async () => {
  expect(await play(v2, '/w', {})).toEqual([{}, {}]);
});

test('a limit that can not be put back fails the restore', async () => {
  await writeFile(join(folder, 'cpu-limits'), `${folder}/gone/cpu.max 20000 100000\n`);
  const { putBack } = cpuLimitLines(folder, v1);
  await expect(systemExec('/bin/sh', ['-c', putBack.join('\n')])).rejects.toThrow();
});
