import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { createLogger } from '../../lib/logger.ts';
import { sourceJournal } from '../agent/journal.fixtures.ts';
import { createPodHost, type PodHostDeps } from './host.ts';

test.each([
  ['a node with nft sends clients on', true, '10.0.0.2'],
  ['a node without it does not', false, undefined],
])('%s; it is looked for once, before any pod stops', async (_, hasNft, podAddress) => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-host-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const called: string[] = [];
  const deps: Partial<PodHostDeps> = {
    ...{ paths: { state: folder, run: folder, runcRoot: folder }, clock: systemClock },
    log: createLogger('test', { level: 'silent' }),
    exec: async (file) => {
      called.push(file);
      if (!hasNft) throw new Error(`${file} is missing`);
      return { stdout: '', stderr: '' };
    },
  };
  const { source } = await createPodHost(deps as PodHostDeps);
  expect(called).toEqual(['nft']);
  for (const uid of ['a', 'b']) {
    const pod = { uid, folder: join(folder, uid), container: uid, bundle: folder, cgroup: '/c' };
    await mkdir(pod.folder);
    const journal = sourceJournal({ pod, podAddress: '10.0.0.2' });
    await source.guard(journal);
    expect(journal.podAddress).toBe(podAddress);
  }
  expect(called).toEqual(['nft']);
});
