import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';

/** Names this boot of the node. The token lies in the run folder, which is memory: whatever ran when it was made is gone with it. */
export async function bootToken(paths: Paths): Promise<string> {
  await mkdir(paths.run, { recursive: true, mode: 0o755 });
  const file = join(paths.run, 'boot');
  await writeFile(file, randomUUID(), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return readFile(file, 'utf8');
}
