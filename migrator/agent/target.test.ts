import { expect, test } from 'vitest';
import type { AgentContext } from './context.ts';
import type { TargetJournal } from './journal.ts';
import { destroyCopy } from './target.ts';

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
