import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { ignoreExisting, isMissing, readIfPresent } from '../../lib/files.ts';
import type { Logger } from '../../lib/logger.ts';
import { type CriuOptions, criuConfig } from './criu-config.ts';
import { giveVerdict, type HoldStage, isHeld, isWaiting, prepareHold } from './hold.ts';
import { type Job, type JobCommand, jobState, outputFile, startJob, waitFor, waitJob } from './job.ts';
import { pagesProgram } from './pages-program.ts';

/** Folder of one migration on one node (tmpfs): images, CRIU's working files, jobs. */
export interface Place {
  folder: string;
  images: string;
  work: string;
  jobs: string;
}

export function placeIn(folder: string): Place {
  return { folder, images: join(folder, 'images'), work: join(folder, 'work'), jobs: join(folder, 'jobs') };
}

export interface EngineDeps {
  exec: Exec;
  clock: Clock;
  log: Logger;
  runcRoot: string;
  tls: { ca: string; cert: string; key: string };
}

const job = (place: Place, name: 'dump' | 'pages' | 'drain' | 'restore'): Job => ({ folder: place.jobs, name });
/** High enough that neither runc nor CRIU puts anything of their own there. */
export const pagesDescriptor = 100;
const configFile = (place: Place): string => join(place.folder, 'criu.conf');
const environment = (place: Place): Record<string, string> => ({ CRIU_CONFIG_FILE: configFile(place) });

/** `shared`: folder in which the images lie instead. */
async function preparePlace(
  place: Place,
  stage: HoldStage,
  config: CriuOptions,
  deps: EngineDeps,
  shared?: string,
): Promise<void> {
  for (const folder of [place.work, place.jobs]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const script = join(place.folder, 'hold.sh');
  if ((await readIfPresent(script)) === undefined) await prepareHold(place.folder, stage, deps.exec);
  if (shared) await symlink(shared, place.images).catch(ignoreExisting);
  else await mkdir(place.images, { recursive: true, mode: 0o700 });
  await writeFile(configFile(place), criuConfig({ ...config, actionScript: script }), { mode: 0o600 });
}

/** Hold script and configuration of the dump to come. */
export const prepareDump = (place: Place, deps: EngineDeps, shared?: string): Promise<void> =>
  preparePlace(place, 'pre-dump', shared ? {} : { pagesDescriptor }, deps, shared);

export interface PageReception {
  /** First and last port to try. */
  ports: readonly [number, number];
  /** Node whose dump is to come. */
  source: string;
  /** `archive`: of images, rather than what CRIU tells its page server. */
  form: 'dump' | 'archive';
}

/** Hold script and configuration of the restore to come. */
export const prepareRestore = (place: Place, deps: EngineDeps, shared?: string): Promise<void> =>
  preparePlace(place, 'post-restore', {}, deps, shared);

/** Starts a page server that listens for the one dump to come. Answers its port. */
export async function startPageServer(place: Place, pages: PageReception, deps: EngineDeps): Promise<number> {
  await startJob(job(place, 'pages'), {
    file: pagesProgram,
    args: pageServer(place, pages, deps),
  });
  const port = await waitFor(place.jobs, AbortSignal.timeout(5000), async () => {
    const known = await readIfPresent(portFile(place));
    if (known !== undefined) return Number(known);
    return (await jobState(job(place, 'pages')))?.running ? undefined : 0;
  });
  if (port === 0)
    throw new GodwitError('E_PREFLIGHT', `no page server: ${await criuFaults(place, 'pages')}`, {
      next: `is ${pagesProgram} there? scripts/setup.sh node builds it`,
    });
  return port;
}

const portFile = (place: Place): string => join(place.jobs, 'pages.port');

function pageServer(place: Place, { ports, source, form }: PageReception, deps: EngineDeps): string[] {
  const where = ['-ports', ports.join('-'), '-port-file', portFile(place), '-images', place.images];
  return ['receive', ...where, ...(form === 'archive' ? ['-archive'] : []), ...peering(source, deps)];
}

/** The same command with a connection to the page server as its descriptor `pagesDescriptor`. */
export function withPages(
  command: JobCommand,
  { node, address, port }: NonNullable<PagesTo>,
  deps: EngineDeps,
): JobCommand {
  const way = ['-to', `${address}:${port}`, '-descriptor', String(pagesDescriptor)];
  return {
    ...command,
    file: pagesProgram,
    args: ['send', ...way, ...peering(node, deps), '--', command.file, ...command.args],
  };
}

const peering = (node: string, { tls }: EngineDeps): string[] => [
  ...['-peer', node],
  ...['-ca', tls.ca, '-cert', tls.cert, '-key', tls.key],
];

/** Where the pages go; undefined: into the images. */
export type PagesTo = { node: string; address: string; port: number } | undefined;

/** Starts the dump and returns when it is held, before it has touched the workload, which may run until then. Attaches to one under way. */
export async function startDump(
  place: Place,
  container: string,
  pages: PagesTo,
  deps: EngineDeps,
  options: { signal: AbortSignal },
): Promise<void> {
  const args = ['--root', deps.runcRoot, '--log', join(place.work, 'runc-dump.log')];
  // runc states these to CRIU either way, so that a configuration file can not
  args.push('checkpoint', '--tcp-skip-in-flight', '--file-locks', '--ext-unix-sk', '--link-remap');
  args.push('--leave-running', '--manage-cgroups-mode', 'ignore');
  args.push('--image-path', place.images, '--work-path', place.work, container);
  const command = { file: 'runc', args, env: environment(place) };
  await startJob(dumpJob(place), pages ? withPages(command, pages, deps) : command);
  if (!(await held(place, dumpJob(place), options.signal)))
    throw new GodwitError('E_TRANSFER', `dump of ${container} failed: ${await criuFaults(place, 'dump')}`);
}

/** Lets the started dump go on; the container is frozen. A repeat does nothing. */
export const letDumpGo = (place: Place): Promise<boolean> => giveVerdict(place.folder, 'run');

/** Waits for the end of the dump that goes on; the container is frozen before and after. */
export async function finishDump(place: Place, container: string, options: { signal: AbortSignal }): Promise<void> {
  const code = await waitJob(dumpJob(place), options);
  if (code !== 0)
    throw new GodwitError('E_TRANSFER', `dump of ${container} failed: ${await criuFaults(place, 'dump')}`);
}

/** True when CRIU waits for its verdict, or had it; false when the job ended before. */
const held = (place: Place, under: Job, signal: AbortSignal): Promise<boolean> =>
  waitFor(place.folder, signal, async () => {
    if (await isHeld(place.folder)) return true;
    return (await jobState(under))?.running ? undefined : false;
  });

export const dumpIsRunning = async (place: Place): Promise<boolean> =>
  (await jobState(job(place, 'dump')))?.running ?? false;
/** True when CRIU has been let go and has not ended: the workload's freezer is in its hands. */
export const dumpHasBegun = async (place: Place): Promise<boolean> =>
  (await dumpIsRunning(place)) && !(await isWaiting(place.folder));
export const dumpJob = (place: Place): Job => job(place, 'dump');

/** Waits until the page server has taken every page and ended well. */
export async function pagesArrived(place: Place, options: { signal: AbortSignal }): Promise<void> {
  const code = await waitJob(job(place, 'pages'), options);
  if (code !== 0) throw new GodwitError('E_TRANSFER', `page server failed: ${await criuFaults(place, 'pages')}`);
}

/** Has the job `restore` run `runc restore --detach` with these flags and variables, unless it runs already. */
export type Launch = (flags: readonly string[], env: Record<string, string>) => Promise<void>;

export interface RestoreOptions {
  container: string;
  lazy: boolean;
  signal: AbortSignal;
}

/** Restores the copy and returns when it is held: complete, and not one instruction run. Attaches to a restore under way. */
export async function restoreHeld(place: Place, options: RestoreOptions, launch: Launch): Promise<void> {
  if (options.lazy) await startDrain(place, options.signal);
  const flags = ['--file-locks', '--ext-unix-sk', '--manage-cgroups-mode', 'ignore'];
  if (options.lazy) flags.push('--lazy-pages');
  flags.push('--image-path', place.images, '--work-path', place.work);
  await launch(flags, environment(place));
  if (!(await held(place, restoreJob(place), options.signal)))
    throw new GodwitError('E_RESTORE', `restore of ${options.container} failed: ${await criuFaults(place, 'restore')}`);
}

/** Waits until CRIU has let go of the copy: it runs. */
export async function restoreEnded(place: Place, options: { signal: AbortSignal }): Promise<void> {
  const code = await waitJob(job(place, 'restore'), options);
  if (code !== 0) throw new GodwitError('E_RESTORE', `the copy did not start: ${await criuFaults(place, 'restore')}`);
}

export const restoreJob = (place: Place): Job => job(place, 'restore');
export const drainJob = (place: Place): Job => job(place, 'drain');
export const pagesJob = (place: Place): Job => job(place, 'pages');

/** The page daemon: serves pages from the target's own tmpfs, on demand first, then all the rest. */
async function startDrain(place: Place, signal: AbortSignal): Promise<void> {
  const args = ['lazy-pages', '-D', place.images, '-W', place.work, '--log-file', 'drain.log'];
  await startJob(job(place, 'drain'), { file: 'criu', args, env: environment(place) });
  const up = await waitFor(place.work, signal, async () => {
    if ((await readdir(place.work)).includes('lazy-pages.socket')) return true;
    return (await jobState(job(place, 'drain')))?.running ? undefined : false;
  });
  if (!up) throw new GodwitError('E_RESTORE', `page daemon failed: ${await criuFaults(place, 'drain')}`);
}

/** The lines of CRIU's and runc's logs that say what went wrong, as one text. */
async function criuFaults(place: Place, step: 'dump' | 'pages' | 'restore' | 'drain'): Promise<string> {
  const files = [join(place.work, `${step}.log`), join(place.work, `runc-${step}.log`), outputFile(job(place, step))];
  const texts = await Promise.all(files.map((file) => readIfPresent(file)));
  const lines = texts.flatMap((text) => (text ?? '').split('\n'));
  const faults = lines.filter((line) => /[Ee]rror|not found/.test(line));
  return faults.slice(0, 3).join(' | ').slice(0, 600) || `see ${place.work}`;
}

/** Copies what the programs have said to `folder`, for a post-mortem; images hold secrets and are never kept. */
export async function keepLogs(place: Place, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const from of [place.work, place.jobs]) {
    const names = await readdir(from).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const name of names.filter((name) => /\.(log|out)$/.test(name)))
      await copyFile(join(from, name), join(folder, name));
  }
}
