import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { GodwitError, messageOf } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';
import { isMissing, readIfPresent } from '../../lib/files.ts';
import type { Logger } from '../../lib/logger.ts';
import { criuConfig } from './criu-config.ts';
import { isHeld, prepareHold } from './hold.ts';
import { type Job, jobState, outputFile, startJob, waitFor, waitJob } from './job.ts';
import { pagesProgram } from './pages-program.ts';
import { uncorkPages } from './uncork.ts';

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
const configFile = (place: Place): string => join(place.folder, 'criu.conf');
const environment = (place: Place): Record<string, string> => ({ CRIU_CONFIG_FILE: configFile(place) });

async function preparePlace(place: Place, options: Parameters<typeof criuConfig>[0]): Promise<void> {
  for (const folder of [place.images, place.work, place.jobs]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(configFile(place), criuConfig(options), { mode: 0o600 });
}

export const prepareDump = (place: Place, deps: EngineDeps): Promise<void> => preparePlace(place, { tls: deps.tls });

export interface PageReception {
  /** First and last port to try. */
  ports: readonly [number, number];
  /** Node whose dump is to come. */
  source: string;
}

/** Makes the target ready: hold script, configuration, and a page server that listens for the one dump to come. Answers its port. */
export async function preparePages(place: Place, pages: PageReception, deps: EngineDeps): Promise<number> {
  await mkdir(place.folder, { recursive: true, mode: 0o700 });
  const script = (await readIfPresent(join(place.folder, 'hold.sh'))) === undefined;
  if (script) await prepareHold(place.folder, deps.exec);
  await preparePlace(place, { actionScript: join(place.folder, 'hold.sh') });
  await startJob(job(place, 'pages'), {
    file: pagesProgram,
    args: pageServer(place, pages, deps),
    env: environment(place),
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

function pageServer(place: Place, { ports, source }: PageReception, { tls }: EngineDeps): string[] {
  const front = [
    '-ports',
    ports.join('-'),
    '-ca',
    tls.ca,
    '-cert',
    tls.cert,
    '-key',
    tls.key,
    '-peer',
    `pages.${source}`,
  ];
  const criu = ['criu', 'page-server', '-D', place.images, '-W', place.work, '--log-file', 'pages.log'];
  return [...front, '-port-file', portFile(place), '--', ...criu];
}

/** Dumps the frozen container, pages straight to the target's page server; leaves it frozen. Attaches to a dump under way. */
export async function dump(
  place: Place,
  container: string,
  pages: { address: string; port: number },
  deps: EngineDeps,
  options: { signal: AbortSignal },
): Promise<void> {
  const args = ['--root', deps.runcRoot, '--log', join(place.work, 'runc-dump.log')];
  // runc states these to CRIU either way, so that a configuration file can not
  args.push('checkpoint', '--tcp-skip-in-flight', '--file-locks', '--ext-unix-sk', '--link-remap');
  args.push('--leave-running', '--manage-cgroups-mode', 'ignore');
  args.push(
    '--page-server',
    `${pages.address}:${pages.port}`,
    '--image-path',
    place.images,
    '--work-path',
    place.work,
    container,
  );
  await startJob(job(place, 'dump'), { file: 'runc', args, env: environment(place) });
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const uncorked = uncorkPages(pages, deps, { signal }).catch((error: unknown) => {
    if (!signal.aborted)
      deps.log.warn({ reason: messageOf(error) }, 'the page connection stays corked; the freeze is 200 ms longer');
  });
  const code = await waitJob(job(place, 'dump'), options).finally(() => ended.abort());
  await uncorked;
  if (code !== 0)
    throw new GodwitError('E_TRANSFER', `dump of ${container} failed: ${await criuFaults(place, 'dump')}`);
}

export const dumpIsRunning = async (place: Place): Promise<boolean> =>
  (await jobState(job(place, 'dump')))?.running ?? false;
export const dumpJob = (place: Place): Job => job(place, 'dump');

/** Waits until the page server has taken every page and ended well. */
export async function pagesArrived(place: Place, options: { signal: AbortSignal }): Promise<void> {
  const code = await waitJob(job(place, 'pages'), options);
  if (code !== 0) throw new GodwitError('E_TRANSFER', `page server failed: ${await criuFaults(place, 'pages')}`);
}

export interface RestoreOptions {
  container: string;
  bundle: string;
  /** Shell redirection that takes the workload's output. */
  output: string;
  lazy: boolean;
  signal: AbortSignal;
}

/** Restores the copy and returns when it is held: complete, and not one instruction run. Attaches to a restore under way. */
export async function restoreHeld(place: Place, options: RestoreOptions, deps: EngineDeps): Promise<void> {
  if (options.lazy) await startDrain(place, options.signal);
  const args = ['--root', deps.runcRoot, '--log', join(place.work, 'runc-restore.log')];
  args.push(
    'restore',
    '--file-locks',
    '--ext-unix-sk',
    '--detach',
    '--manage-cgroups-mode',
    'ignore',
    ...(options.lazy ? ['--lazy-pages'] : []),
  );
  args.push('--image-path', place.images, '--work-path', place.work, '--bundle', options.bundle, options.container);
  await startJob(job(place, 'restore'), { file: 'runc', args, env: environment(place), output: options.output });
  const held = await waitFor(place.folder, options.signal, async () => {
    if (await isHeld(place.folder)) return true;
    return (await jobState(job(place, 'restore')))?.running ? undefined : false;
  });
  if (!held)
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

/** Copies CRIU's logs to `folder`, for a post-mortem; images hold secrets and are never kept. */
export async function keepLogs(place: Place, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(place.work).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const name of names.filter((name) => name.endsWith('.log')))
    await copyFile(join(place.work, name), join(folder, name));
}
