import { constants } from 'node:fs';
import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../lib/exec.ts';
import { readIfPresent } from '../../lib/files.ts';

const scriptFile = (folder: string): string => join(folder, 'hold.sh');
const verdictFifo = (folder: string): string => join(folder, 'verdict');
const heldFile = (folder: string): string => join(folder, 'held');

/**
 * Makes the script that holds a restored copy. CRIU runs it at every stage; at `post-restore` all tasks exist and none has run,
 * and an exit code other than 0 makes CRIU kill them. (At `pre-resume` the exit code is ignored.) The copy outlives the agent
 * held: the script waits for its one line for ever, and anything but `run` ends the copy.
 */
export async function prepareHold(folder: string, exec: Exec): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const script = [
    '#!/bin/sh',
    '[ "$CRTOOLS_SCRIPT_ACTION" = post-restore ] || exit 0',
    `echo held > '${heldFile(folder)}'`,
    `read -r verdict < '${verdictFifo(folder)}' && [ "$verdict" = run ]`,
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

/** Tells the holding script; false when no script is waiting. */
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
