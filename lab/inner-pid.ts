import { readFile } from 'node:fs/promises';
import { isMissing } from '../lib/files.ts';

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
