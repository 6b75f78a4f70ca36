import { hash } from 'node:crypto';
import { constants, copyFile, link, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Names a file's content, whichever checkout it lies in: two that share a cache must not rebuild each other's bundles. */
export async function stamp(path: string): Promise<string> {
  return hash('blake2b512', await readFile(path)).slice(0, 16);
}

/**
 * Puts `source` at `target` as a hard link to one copy in `store`, so that all apps together hold (on disk, and mapped
 * in the page cache) one node binary. The copy keeps the source safe from what a container writes to its files.
 */
export async function linkShared(source: string, target: string, store: string): Promise<void> {
  const kept = join(store, `${basename(source)}-${await stamp(source)}`);
  await mkdir(store, { recursive: true });
  await mkdir(dirname(target), { recursive: true });
  if (!(await exists(kept))) {
    const part = `${kept}.${process.pid}`;
    await copyFile(source, part, constants.COPYFILE_FICLONE);
    await rename(part, kept);
  }
  await link(kept, target);
}

/** Removes from `store` what no bundle links to any more. */
export async function pruneStore(store: string): Promise<void> {
  for (const name of await readdir(store).catch(() => [])) {
    const path = join(store, name);
    if ((await stat(path)).nlink === 1) await rm(path);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
