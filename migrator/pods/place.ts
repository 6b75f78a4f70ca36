import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GodwitError } from '../../lib/errors.ts';
import { isMissing } from '../../lib/files.ts';
import { parseJson } from '../../lib/parse.ts';
import type { PodPlace } from '../agent/journal.ts';
import { killFrozen } from '../engine/freezer.ts';
import type { FilesFolder } from '../files/archive.ts';

const bundleSchema = z.looseObject({
  mounts: z.array(
    z.looseObject({ destination: z.string(), type: z.string().optional(), source: z.string().optional() }),
  ),
  linux: z.looseObject({
    cgroupsPath: z.string(),
    namespaces: z.array(z.looseObject({ type: z.string(), path: z.string().optional() })),
  }),
});
export type Bundle = z.infer<typeof bundleSchema>;

export async function readBundle(bundle: string): Promise<Bundle> {
  return parseJson(bundleSchema, await readFile(join(bundle, 'config.json'), 'utf8'), `${bundle}/config.json`);
}

/** The kubelet's folder of a pod, by a mount that every container has; undefined where there is none. */
export function podFolderIn({ mounts }: Pick<Bundle, 'mounts'>, uid: string): string | undefined {
  const own = new RegExp(`^/.*/pods/${uid}(?=/)`);
  return mounts.map(({ source }) => own.exec(source ?? '')?.[0]).find((folder) => folder !== undefined);
}

/** Mounts of a pod that stand at the target as well: the kubelet's and containerd's own, and volumes that come by themselves. */
export function ownMounts(uid: string, sandbox: string): RegExp[] {
  const volumes = 'empty-dir|projected|configmap|secret|downward-api';
  return [
    new RegExp(`/pods/${uid}/(etc-hosts$|containers/|volumes/kubernetes\\.io~(${volumes})/)`),
    new RegExp(`/sandboxes/${sandbox}/(hostname|resolv\\.conf|shm)$`),
  ];
}

/**
 * Path of a container's cgroup below each hierarchy, from `linux.cgroupsPath`: as it stands under the cgroupfs driver, or
 * `<slice>:<prefix>:<name>` under systemd's, where each dash of a slice is a level (systemd.slice(5)). Pure.
 */
export function cgroupPath(cgroupsPath: string): string {
  const [slice, prefix, name] = cgroupsPath.split(':');
  if (slice === undefined || prefix === undefined || name === undefined) return cgroupsPath;
  const parts = slice.replace(/\.slice$/, '').split('-');
  const levels = parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`);
  return `/${[...levels, `${prefix}-${name}.scope`].join('/')}`;
}

/** Ends everything in the container's cgroup; whoever is its parent collects it. */
export async function killContainer(place: PodPlace, clock: Parameters<typeof killFrozen>[1]): Promise<void> {
  for (const hierarchy of ['freezer', 'unified', '']) {
    const path = join('/sys/fs/cgroup', hierarchy, place.cgroup);
    const version = existsSync(join(path, 'freezer.state'))
      ? 1
      : existsSync(join(path, 'cgroup.freeze'))
        ? 2
        : undefined;
    if (version === undefined) continue;
    await killFrozen({ path, version }, clock).catch((error: unknown) => {
      // the shim has removed it meanwhile
      if (existsSync(path)) throw error;
    });
  }
}

// $1: an empty folder, which becomes a tmpfs; then pairs, a name there and the folder that is to be seen under it, up to --
const gather = `
stage=$1; shift
mount -t tmpfs -o mode=755 stage "$stage"
while [ "$1" != -- ]; do mkdir -p "$stage/$1"; mount --bind "$2" "$stage/$1"; shift 2; done
shift
exec "$@"`;

/**
 * What a pod has written: the upper layer of the container's overlay, its emptyDirs, and the sandbox's /dev/shm, side by side in a mount
 * namespace that ends with the program which looks at them: nothing stays mounted, and nothing can be deleted through it.
 */
export async function podFiles(place: PodPlace, stage: string): Promise<FilesFolder> {
  const volumes = join(place.folder, 'volumes/kubernetes.io~empty-dir');
  const names = await readdir(volumes).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const { mounts } = await readBundle(place.bundle);
  const shm = mounts.find(({ destination, source }) => destination === '/dev/shm' && source?.startsWith('/'))?.source;
  const folders: [name: string, folder: string][] = [
    ['rootfs', await upperOf(join(place.bundle, 'rootfs'))],
    ...names.sort().map((name): [string, string] => [`volumes/${name}`, join(volumes, name)]),
    ...(shm === undefined ? [] : [['shm', shm] as [string, string]]),
  ];
  const within = ['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', gather, 'sh', stage];
  return { folder: stage, within: [...within, ...folders.flat(), '--'], parts: folders.map(([, folder]) => folder) };
}

/** The upper layer of the overlay that is mounted there. */
async function upperOf(rootfs: string): Promise<string> {
  const upper = upperIn(await readFile('/proc/self/mountinfo', 'utf8'), rootfs);
  if (upper !== undefined) return upper;
  throw new GodwitError('E_PREFLIGHT', `what the container writes can not be found: no overlay at ${rootfs}`, {
    next: "the agent has to see containerd's mounts, and the snapshotter has to be overlayfs",
  });
}

/** From mountinfo, proc_pid_mountinfo(5): the fifth field is the mount point; after ` - ` type, source and options. Pure. */
export function upperIn(mountinfo: string, mountPoint: string): string | undefined {
  const line = mountinfo.split('\n').find((one) => one.split(' ')[4] === mountPoint);
  const [type, , options] = line?.split(' - ')[1]?.split(' ') ?? [];
  if (type !== 'overlay') return undefined;
  return options
    ?.split(',')
    .find((option) => option.startsWith('upperdir='))
    ?.slice('upperdir='.length);
}
