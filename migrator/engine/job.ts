import { spawn } from 'node:child_process';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';
import { readIfPresent } from '../../lib/files.ts';
import { identify, isRunning } from '../../lib/process-id.ts';

/** A program that outlives the agent: it runs detached in a session of its own, and its exit code ends up in a file. */
export interface Job {
  /** Folder of the status and pid files. */
  folder: string;
  name: string;
}

export interface JobCommand {
  file: string;
  args: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** Shell redirection for the program's output, already quoted; default: `<name>.out` in the job's folder. */
  output?: string;
}

const statusFile = (job: Job): string => join(job.folder, `${job.name}.status`);
const pidFile = (job: Job): string => join(job.folder, `${job.name}.pid`);
/** For a job that another program writes down. */
export const jobFiles = (job: Job): { pidFile: string; statusFile: string } => ({
  pidFile: pidFile(job),
  statusFile: statusFile(job),
});
export const outputFile = (job: Job): string => join(job.folder, `${job.name}.out`);

/** Starts the job unless it was started before: then the first one stands. */
export async function startJob(job: Job, command: JobCommand): Promise<void> {
  await mkdir(job.folder, { recursive: true, mode: 0o700 });
  if (await jobState(job)) return;
  const output = command.output ?? `> '${outputFile(job)}' 2>&1`;
  const script = `{ "$@"; echo $? > "$0.new"; mv "$0.new" "$0"; } < /dev/null ${output}`;
  const child = spawn('/bin/sh', ['-c', script, statusFile(job), command.file, ...command.args], {
    detached: true,
    stdio: 'ignore',
    ...(command.cwd && { cwd: command.cwd }),
    env: { ...process.env, ...command.env },
  });
  child.on('error', () => {});
  if (child.pid === undefined) throw new GodwitError('E_EXEC', `${command.file} could not be started`);
  child.unref();
  await writeFile(pidFile(job), `${child.pid} ${(await identify(child.pid))?.startTicks ?? ''}`, { mode: 0o600 });
}

/** `undefined`: never started. A job that vanished without a status was killed: code 137. */
export async function jobState(job: Job): Promise<{ running: boolean; code?: number } | undefined> {
  const status = await readIfPresent(statusFile(job));
  if (status !== undefined) return { running: false, code: Number(status) };
  const pid = await readIfPresent(pidFile(job));
  if (pid === undefined) return undefined;
  const [number, started] = pid.split(' ').map(Number);
  if (number && started && (await isRunning({ pid: number, startTicks: started }))) return { running: true };
  const late = await readIfPresent(statusFile(job));
  return { running: false, code: late === undefined ? 137 : Number(late) };
}

/** Waits for the exit code; rejects with the signal's reason when aborted, the job runs on. */
export async function waitJob(job: Job, options: { signal: AbortSignal }): Promise<number> {
  return waitFor(job.folder, options.signal, async () => {
    const state = await jobState(job);
    if (!state) throw new GodwitError('E_EXEC', `${job.name} was never started`);
    return state.running ? undefined : state.code;
  });
}

/** Sends SIGKILL to the job's whole session and waits for nothing. */
export async function killJob(job: Job): Promise<void> {
  const state = await jobState(job);
  const pid = await readIfPresent(pidFile(job));
  if (!state?.running || pid === undefined) return;
  try {
    process.kill(-Number(pid.split(' ')[0]), 'SIGKILL');
  } catch {
    // gone in between
  }
}

/** When the job ended, by the time stamp of its status file. */
export async function jobEndedAt(job: Job): Promise<number> {
  return Math.round((await stat(statusFile(job))).mtimeMs);
}

export async function forgetJob(job: Job): Promise<void> {
  for (const file of [statusFile(job), pidFile(job), outputFile(job)]) await rm(file, { force: true });
}

/**
 * Asks `probe` now, on every change in `folder`, and every 100 ms, because a watch can miss, until it answers. Where the kernel gives no
 * watch, because the user's inotify(7) instances are spent, every 10 ms.
 */
export async function waitFor<T>(
  folder: string,
  signal: AbortSignal,
  probe: () => Promise<T | undefined>,
  watchFolder: WatchFolder = watch,
): Promise<T> {
  const changes = new EventTarget();
  const watcher = watchIfGiven(watchFolder, folder, () => changes.dispatchEvent(new Event('change')));
  try {
    while (true) {
      signal.throwIfAborted();
      const changed = nextChange(changes, watcher ? 100 : 10, signal);
      const answer = await probe();
      if (answer !== undefined) return answer;
      await changed;
    }
  } finally {
    watcher?.close();
  }
}

type WatchFolder = (folder: string, onChange: () => void) => FSWatcher;

function watchIfGiven(watchFolder: WatchFolder, folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watchFolder(folder, onChange).on('error', () => {});
  } catch (error) {
    if (['EMFILE', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function nextChange(changes: EventTarget, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      changes.removeEventListener('change', done);
      signal.removeEventListener('abort', done);
      resolve();
    }
    changes.addEventListener('change', done, { once: true });
    signal.addEventListener('abort', done, { once: true });
  });
}
