import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent, writeDurably } from '../../lib/files.ts';
import { migrationsMount, type Paths } from '../paths.ts';
import { type Place, restoreJob } from './engine.ts';
import { giveVerdict, isHeld, prepareHold } from './hold.ts';
import { jobFiles, jobState, waitFor } from './job.ts';

// containerd restores an image's checkpoint by itself, by plain runc. What runc reads for every dump and restore of the node names a
// script; for an image that Godwit has made, that calls the script of its migration, which holds the copy.

/** In the folder of CRIU's images, in each image that godwit-image makes: the migration's id. */
const markFile = 'godwit-migration';
const firstLine = '# By Godwit, for pods that move as images; it is taken back with Godwit.';
/** Whether the text of a configuration is that of Godwit's own. */
export const isRestoreHold = (text: string): boolean => text.startsWith(firstLine);
const configFile = (etc: string): string => join(etc, 'runc.conf');
const scriptFile = (etc: string): string => join(etc, 'godwit-hold');

const config = (etc: string): string =>
  [
    firstLine,
    ...['network-lock skip', 'tcp-close', 'skip-in-flight', 'file-locks', 'ext-unix-sk', 'link-remap'],
    ...['ghost-limit 64M', 'timeout 60', `action-script ${scriptFile(etc)}`, ''],
  ].join('\n');

const script = (paths: Paths): string => `#!/bin/sh
${firstLine}
mark=$CRTOOLS_IMAGE_DIR/${markFile}
[ -f "$mark" ] || exit 0
case $CRTOOLS_SCRIPT_ACTION in pre-restore | post-restore | pre-resume) ;; *) exit 0 ;; esac
read -r id <"$mark"
case $id in '' | *[!A-Za-z0-9-]*) exit 1 ;; esac
# of a migration that is not expected here, or no more, nothing is restored
exec '${migrationsMount(paths)}'/"$id"/hold.sh
`;

/** Has every image's copy on this node be held. A configuration of somebody else stays as it is. */
export async function installRestoreHold(paths: Paths, etc = '/etc/criu'): Promise<void> {
  const known = await readIfPresent(configFile(etc));
  if (known !== undefined && !isRestoreHold(known)) return;
  await mkdir(etc, { recursive: true });
  await writeDurably(scriptFile(etc), script(paths), 0o755);
  await chmod(scriptFile(etc), 0o755);
  if (known !== config(etc)) await writeDurably(configFile(etc), config(etc), 0o644);
}

/** Takes back what `installRestoreHold` wrote. */
export async function removeRestoreHold(etc = '/etc/criu'): Promise<void> {
  if (isRestoreHold((await readIfPresent(configFile(etc))) ?? '')) await rm(configFile(etc));
  await rm(scriptFile(etc), { force: true });
}

/** Why a copy that containerd restores would not be held here; undefined: it would. */
export async function restoreHoldObstacle(etc = '/etc/criu'): Promise<string | undefined> {
  if ((await readIfPresent(configFile(etc))) === config(etc)) return undefined;
  return `${configFile(etc)} is not Godwit's: a copy could not be held`;
}

const whereFile = (place: Place): string => join(place.folder, 'where');

/**
 * Hold script of the restore to come. It takes one copy, once: what a kubelet tries again is refused. The memory's pages, which are not in
 * the image, stand in the place's images by then.
 */
export async function prepareImageRestore(place: Place, exec: Exec): Promise<void> {
  for (const folder of [place.work, place.jobs, place.images]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const { pidFile, statusFile } = jobFiles(restoreJob(place));
  await prepareHold(place.folder, 'post-restore', exec, {
    otherwise: [
      `if [ "$CRTOOLS_SCRIPT_ACTION" = pre-restore ]; then`,
      `  for file in '${place.images}'/pages-*.img; do`,
      // no link: CRIU opens it when its root is the container's
      `    [ ! -f "$file" ] || cp "$file" "$CRTOOLS_IMAGE_DIR/" || exit 1`,
      '  done',
      'fi',
      // its exit code counts for nothing there: from here on the copy runs
      `if [ "$CRTOOLS_SCRIPT_ACTION" = pre-resume ]; then`,
      `  echo 0 > '${statusFile}.new' && mv '${statusFile}.new' '${statusFile}'`,
      'fi',
    ],
    before: [
      `mkdir '${place.folder}/taken' || exit 1`,
      // CRIU's, with its start: proc_pid_stat(5), the 22nd field
      `echo "$PPID $(cut -d ' ' -f 22 /proc/$PPID/stat)" > '${pidFile}.new' && mv '${pidFile}.new' '${pidFile}'`,
      `readlink -f "$CRTOOLS_IMAGE_DIR" > '${whereFile(place)}'`,
    ],
  });
}

/** Waits until containerd has restored the copy, held; answers its container. @throws E_RESTORE when the restore has ended instead */
export async function imageRestoreHeld(place: Place, options: { signal: AbortSignal }): Promise<string> {
  const held = await waitFor(place.folder, options.signal, async () => {
    if (await isHeld(place.folder)) return true;
    return (await jobState(restoreJob(place)))?.running === false ? false : undefined;
  });
  const where = held ? await readFile(whereFile(place), 'utf8') : '';
  const [, container] = /\/containers\/([0-9a-f]{64})\//.exec(where) ?? [];
  if (container === undefined) throw new GodwitError('E_RESTORE', `containerd's restore ended: ${where || 'no copy'}`);
  return container;
}

/** From here on nothing of the migration is restored on this node, and a copy that is held ends. */
export async function forbidImageRestore(place: Place): Promise<void> {
  await rm(join(place.folder, 'hold.sh'), { force: true });
  // one that came just before is about to wait for its verdict
  const soon = AbortSignal.timeout(3000);
  while ((await jobState(restoreJob(place)))?.running && !soon.aborted) {
    if (await giveVerdict(place.folder, 'die')) return;
    await waitFor(place.jobs, soon, async () =>
      (await jobState(restoreJob(place)))?.running ? undefined : true,
    ).catch(() => undefined);
  }
}
