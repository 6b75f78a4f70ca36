import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { GodwitError } from '../../lib/errors.ts';
import { ignoreExisting, isMissing } from '../../lib/files.ts';
import { unpackInto } from '../files/archive.ts';
import { imageFolder, imagesFolder, type Paths } from '../paths.ts';

/** Digest over names, modes, owners, links and contents of a root file system: the same on every node with the same files. */
export async function digestOf(rootfs: string): Promise<string> {
  const hash = createHash('sha256');
  await addFolder(hash, rootfs, '');
  return `sha256:${hash.digest('hex')}`;
}

async function addFolder(hash: ReturnType<typeof createHash>, root: string, folder: string): Promise<void> {
  const names = (await readdir(join(root, folder))).sort();
  for (const name of names) {
    const path = join(folder, name);
    const stat = await lstat(join(root, path));
    const owner = `${stat.uid}:${stat.gid}`;
    hash.update(`${path}\0${stat.mode.toString(8)}\0${owner}\0${stat.isFile() ? stat.size : 0}\0`);
    if (stat.isSymbolicLink()) hash.update(await readlink(join(root, path)));
    else if (stat.isDirectory()) await addFolder(hash, root, path);
    else if (stat.isFile())
      for await (const chunk of createReadStream(join(root, path), { highWaterMark: 1 << 20 })) hash.update(chunk);
  }
}

/** Makes a bundle's root file system known under its digest; it is used where it lies and must stay there. */
export async function addImage(paths: Paths, rootfs: string): Promise<string> {
  const digest = await digestOf(rootfs);
  await mkdir(imagesFolder(paths), { recursive: true, mode: 0o700 });
  await removeDeadLink(paths, digest);
  await symlink(await realpath(rootfs), imageFolder(paths, digest)).catch(ignoreExisting);
  return digest;
}

/** Gives a whole root file system its name, and returns its folder; where one of that name is there already, that one. */
export async function keepImage(paths: Paths, digest: string, folder: string): Promise<string> {
  await removeDeadLink(paths, digest);
  const kept = imageFolder(paths, digest);
  await rename(folder, kept).catch((error: NodeJS.ErrnoException) => {
    // a folder, or the link to a bundle
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code ?? '')) throw error;
  });
  return realpath(kept);
}

/** The bundle that an image lay in may be gone by now. */
async function removeDeadLink(paths: Paths, digest: string): Promise<void> {
  if ((await findImage(paths, digest)) === undefined) await rm(imageFolder(paths, digest), { force: true });
}

/** Folder of an image, or undefined when this node lacks it. */
export async function findImage(paths: Paths, digest: string): Promise<string | undefined> {
  try {
    return await realpath(imageFolder(paths, digest));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Takes an image that another node sends, and checks that it is the one it was announced as. */
export async function receiveImage(paths: Paths, digest: string, source: Readable): Promise<void> {
  const temporary = `${imageFolder(paths, digest)}.${process.pid}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o755 });
  await unpackInto(temporary, source, { incremental: false });
  const arrived = await digestOf(temporary);
  if (arrived !== digest) {
    await rm(temporary, { recursive: true, force: true });
    throw new GodwitError('E_TRANSFER', `image ${digest} arrived as ${arrived}`);
  }
  await keepImage(paths, digest, temporary);
  await rm(temporary, { recursive: true, force: true });
}
