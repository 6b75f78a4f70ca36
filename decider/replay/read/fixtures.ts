import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RowOptions } from './rows.ts';

/** Writes `content` into a folder of its own, reads it, and tells what was skipped, without the file's name. */
export async function readFrom<T>(
  content: string | Buffer,
  reader: (options: RowOptions) => Promise<T>,
  { skip = false, name = 'day.csv' } = {},
): Promise<{ value: T; skipped: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-rows-'));
  const file = join(folder, name);
  const skipped: string[] = [];
  try {
    await writeFile(file, content);
    const options = {
      file,
      skipBadRows: skip,
      skipped: (place: string) => skipped.push(place.replace(`${file}:`, '')),
    };
    return { value: await reader(options), skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
