import { mkdir, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import { identify } from '../../lib/process-id.ts';
import { imagesFolder, type Paths } from '../paths.ts';
import { type ImageProcess, imageProcessSchema } from './image-config.ts';
import { type Descriptor, findManifest, indexOf, platformOf, splitImageName } from './image-layout.ts';
import { digestOf, findImage, keepImage } from './images.ts';

const longestUnpackMs = 20 * 60_000;

/** What is known of an image that was unpacked here, by its manifest's digest. */
const unpackedSchema = z.object({
  /** Of the root file system, as `findImage` takes it. */
  digest: z.string(),
  process: imageProcessSchema,
});

export interface UnpackedImage {
  digest: string;
  /** Folder of the root file system. */
  rootfs: string;
  process: ImageProcess;
}

/**
 * The image `LAYOUT:TAG`, unpacked by umoci into this node's images, unless it is there already. The layout is only read.
 * @throws E_CONFIG, E_SETUP when umoci is missing, E_EXEC
 */
export async function unpackedImage(paths: Paths, name: string, exec: Exec): Promise<UnpackedImage> {
  const { layout, tag } = splitImageName(name);
  const manifest = await findManifest(layout, tag, platformOf(process.arch));
  const stem = join(imagesFolder(paths), `oci-${manifest.digest.replace(':', '-')}`);
  const known = await readKnown(paths, `${stem}.json`);
  if (known) return known;
  await removeAbandoned(paths);
  const part = `${stem}.${process.pid}.part`;
  try {
    const unpacked = await unpack(await realpath(layout), manifest, part, exec);
    const digest = await digestOf(join(part, 'bundle/rootfs'));
    // on the disk before it has its name: what bears it is whole, also after a power cut
    await exec('sync', ['-f', part], { timeoutMs: longestUnpackMs });
    const rootfs = await keepImage(paths, digest, join(part, 'bundle/rootfs'));
    await writeDurably(`${stem}.json`, JSON.stringify({ digest, process: unpacked }));
    return { digest, rootfs, process: unpacked };
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function readKnown(paths: Paths, file: string): Promise<UnpackedImage | undefined> {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  const { digest, process } = parseJson(unpackedSchema, text, file);
  const rootfs = await findImage(paths, digest);
  return rootfs === undefined ? undefined : { digest, rootfs, process };
}

/** What an earlier `godwit run` was killed over. */
async function removeAbandoned(paths: Paths): Promise<void> {
  await mkdir(imagesFolder(paths), { recursive: true, mode: 0o700 });
  for (const entry of await readdir(imagesFolder(paths))) {
    const pid = /^oci-.*\.(\d+)\.part$/.exec(entry)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && (await identify(Number(pid))))) continue;
    await rm(join(imagesFolder(paths), entry), { recursive: true, force: true });
  }
}

/** Unpacks into `part/bundle`. umoci sees a layout with this one manifest: it can not choose by platform. */
async function unpack(layout: string, manifest: Descriptor, part: string, exec: Exec): Promise<ImageProcess> {
  const narrow = join(part, 'layout');
  await mkdir(narrow, { recursive: true, mode: 0o700 });
  await symlink(join(layout, 'blobs'), join(narrow, 'blobs'));
  await writeFile(join(narrow, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(narrow, 'index.json'), JSON.stringify(indexOf(manifest)));
  const bundle = join(part, 'bundle');
  try {
    await exec('umoci', ['unpack', '--image', `${narrow}:image`, bundle], { timeoutMs: longestUnpackMs });
  } catch (error) {
    if (!messageOf(error).includes('ENOENT')) throw error;
    throw new GodwitError('E_SETUP', 'umoci, which unpacks images, is not installed', {
      cause: error,
      next: 'apt-get install umoci',
    });
  }
  const text = await readFile(join(bundle, 'config.json'), 'utf8');
  return parseJson(z.object({ process: imageProcessSchema }), text, 'config.json of umoci').process;
}
