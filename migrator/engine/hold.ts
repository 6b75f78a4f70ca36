import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent } from '../../lib/files.ts';
import { cpuLimitLines } from './cpu-limit.ts';

const scriptFile = (folder: string): string => join(folder, 'hold.sh');
const verdictFifo = (folder: string): string => join(folder, 'verdict');
const heldFile = (folder: string): string => join(folder, 'held');

/** Where CRIU is held: before a dump touches the workload, or when a restored copy is complete and has not run. */
export type HoldStage = 'pre-dump' | 'post-restore';

/** Further lines of the script. */
export interface HoldLines {
  /** At any other stage than that of the hold. */
  otherwise?: readonly string[];
  /** At the stage of the hold, before it is held. */
  before?: readonly string[];
}

/**
 * Makes the script that holds CRIU, which runs it at every stage. At `pre-dump` and `post-restore` an exit code other than 0 makes CRIU
 * give up: it leaves the workload alone, or kills the copy. (At `pre-resume` the exit code is ignored.) What is held outlives the agent:
 * the script waits for its one line for ever, and anything but `run` is a no.
 */
export async function prepareHold(
  folder: string,
  stage: HoldStage,
  exec: Exec,
  { otherwise = [], before = [] }: HoldLines = {},
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const groups = await readFile('/proc/self/cgroup', 'utf8');
  const limit = stage === 'post-restore' ? cpuLimitLines(folder, groups) : undefined;
  const script = [
    '#!/bin/sh',
    ...(limit ? ['if [ "$CRTOOLS_SCRIPT_ACTION" = pre-restore ]; then', ...limit.lift, 'fi'] : []),
    `if [ "$CRTOOLS_SCRIPT_ACTION" != ${stage} ]; then`,
    ...otherwise,
    'exit 0',
    'fi',
    ...before,
    ...(limit?.putBack ?? []),
    // opened first: once the mark is there, a verdict reaches its reader
    `exec 3<> '${verdictFifo(folder)}'`,
    `echo held > '${heldFile(folder)}'`,
    'read -r verdict <&3 && [ "$verdict" = run ]',
    '',
  ].join('\n');
  await writeFile(scriptFile(folder), script, { mode: 0o700 });
  await chmod(scriptFile(folder), 0o700);
  await exec('mkfifo', ['-m', '600', verdictFifo(folder)]);
  return scriptFile(folder);
}

export async function isHeld(folder: string): Promise<boolean> {
  return (await readIfPresent(heldFile(folder))) !== undefined;
}

/** True while a script waits for its verdict. */
export async function isWaiting(folder: string): Promise<boolean> {
  try {
    await (await open(verdictFifo(folder), constants.O_WRONLY | constants.O_NONBLOCK)).close();
    return true;
  } catch {
    return false;
  }
}

/** Tells the holding script; false when none is waiting, or none any more. */
export async function giveVerdict(folder: string, verdict: 'run' | 'die'): Promise<boolean> {
  try {
    const fifo = await open(verdictFifo(folder), constants.O_WRONLY | constants.O_NONBLOCK);
    await fifo.write(`${verdict}\n`);
    await fifo.close();
    return true;
  } catch {
    return false;
  }
}
