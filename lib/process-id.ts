import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isMissing } from './files.ts';

/** A process, told apart from a later one with the same number by its start, in clock ticks since boot. */
export const processIdSchema = z.strictObject({ pid: z.number().int().positive(), startTicks: z.number().int() });
export type ProcessId = z.infer<typeof processIdSchema>;

/** Undefined when there is no such process, or only its zombie. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readStat(pid);
  // proc_pid_stat(5): the second field, in parentheses, may hold anything; the state is the third, the start the 22nd
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  if (!state || 'ZX'.includes(state)) return undefined;
  return { pid, startTicks: Number(rest[18]) };
}

export async function isRunning(target: ProcessId): Promise<boolean> {
  return (await identify(target.pid))?.startTicks === target.startTicks;
}

/** False when it had already ended. */
export async function signalProcess(target: ProcessId, signal: NodeJS.Signals): Promise<boolean> {
  return (await isRunning(target)) && sendSignal(target.pid, signal);
}

/** Signal 0 only asks whether there is such a process, be it a zombie. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function readStat(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
}
