import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { packFolder } from '../files/archive.ts';
import type { Upload } from '../files/data-server.ts';
import { workloadFolders } from '../paths.ts';
import { createContainerHost } from '../workloads/host.ts';
import { writeManaged } from '../workloads/store.ts';
import { type AgentContext, placeOf } from './context.ts';
import { targetJournal } from './journal.fixtures.ts';
import type { TargetJournal } from './journal.ts';
import { destroyCopy, targetVerbs } from './target.ts';

const ended = {
  role: 'target',
  migration: 'm-1',
  epoch: 1,
  term: 1,
  workload: 'shop',
  strategy: 'warm',
  source: 'edge-1',
  memoryBytes: 0,
  lazy: false,
  boot: 'boot',
  committed: true,
  runningAt: 1,
  lost: false,
  destroyed: false,
  ended: true,
  updatedAt: 1,
} as TargetJournal;

test('a copy that has run is not destroyed, however late and by whatever message that is asked for', async () => {
  // once the migration is cleaned up nothing but the journal knows that it was let go
  const context = { config: { name: 'cloud-1' }, boot: 'boot' } as AgentContext;
  await expect(destroyCopy(context, ended)).rejects.toMatchObject({ code: 'E_RECORD' });
  expect(ended.destroyed).toBe(false);
});

test('all is here once images and files are; what is pushed again does not touch what a copy stands on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-target-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const paths = { state: join(folder, 'state'), run: join(folder, 'run'), runcRoot: join(folder, 'runc') };
  const known = { config: { name: 'cloud-1' }, paths, boot: 'boot' } as AgentContext;
  const context = { ...known, host: createContainerHost(known) };
  const journal = targetJournal({ committed: false });
  const { images } = placeOf(context, 'm-1');
  const { rootfs } = workloadFolders(paths, 'w');
  const pushed = join(folder, 'pushed');
  for (const one of [images, rootfs, pushed]) await mkdir(one, { recursive: true });
  await writeManaged(paths, { spec: journal.spec, state: 'inbound', image: '' });

  const push = async (kind: Upload['kind'], text: string): Promise<boolean> => {
    await writeFile(join(pushed, 'file'), text);
    const { stream, done } = await packFolder(
      pushed,
      kind === 'images' ? {} : { snapshot: join(folder, 'snapshot'), level: 0 },
    );
    const body = stream.pipe(new PassThrough()) as unknown as Upload['body'];
    const complete = await targetVerbs(context).take(journal, { peer: 'edge-1', migration: 'm-1', kind, body });
    await done;
    return complete;
  };
  expect(await push('files-0', 'before the freeze')).toBe(false);
  expect(await push('files-1', 'files')).toBe(false);
  expect(await push('images', 'images')).toBe(true);
  await push('files-1', 'again');
  await push('images', 'again');
  expect(await readFile(join(rootfs, 'file'), 'utf8')).toBe('files');
  expect(await readFile(join(images, 'file'), 'utf8')).toBe('images');
});
