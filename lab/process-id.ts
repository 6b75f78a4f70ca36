import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isMissing } from '../lib/files.ts';

/** A process, told apart from a later one with the same number by its start, in clock ticks since boot. */
export const processIdSchema = z.strictObject({ pid: z.number().int().positive(), startTicks: z.number().int() });
export type ProcessId = z.infer<typeof processIdSchema>;

/** Undefined when there is no such process, or only its zombie. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readProcessFile(`/proc/${pid}/stat`);
  // proc_pid_stat(5): the second field, in parentheses, may hold anything; the state is the third, the start the 22nd
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  if (!state || 'ZX'.includes(state)) return undefined;
  return { pid, startTicks: Number(rest[18]) };
}

export async function isRunning(process: ProcessId): Promise<boolean> {
  return (await identify(process.pid))?.startTicks === process.startTicks;
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

/** Numbers of a process, as this machine and then each process namespace further in counts; none when it is gone. */
export async function innerNumbers(pid: number): Promise<number[]> {
  const status = await readProcessFile(`/proc/${pid}/status`);
  const numbers = /^NSpid:\s+(.*)$/m.exec(status ?? '')?.[1];
  return numbers?.split(/\s+/).map(Number) ?? [];
}

/** This machine's number of the process that `init`'s namespace calls `inner`, if it is a child of `init`. */
export async function childByInnerPid(init: number, inner: number): Promise<number | undefined> {
  const children = (await readProcessFile(`/proc/${init}/task/${init}/children`))?.trim().split(' ').map(Number) ?? [];
  for (const child of children) if ((await innerNumbers(child))[1] === inner) return child;
  return undefined;
}

async function readProcessFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
}
