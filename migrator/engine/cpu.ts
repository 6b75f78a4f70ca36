import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GodwitError } from '../../lib/errors.ts';
import type { Exec } from '../../lib/exec.ts';

const file = 'cpuinfo.img';

/** What CRIU knows of this node's CPU, base64 of about a hundred bytes (man 8 criu, "cpuinfo"). */
export async function cpuImage(exec: Exec): Promise<string> {
  return inFolder(async (folder) => {
    await exec('criu', ['cpuinfo', 'dump', '-D', folder, '--cpu-cap=ins']);
    return readFile(join(folder, file), 'base64');
  });
}

/** Refuses a CPU that lacks instructions which the image's CPU has: the copy might use them. @throws E_PREFLIGHT */
export async function refuseLesserCpu(image: string, node: string, exec: Exec): Promise<void> {
  await inFolder(async (folder) => {
    await writeFile(join(folder, file), image, 'base64');
    await exec('criu', ['cpuinfo', 'check', '-D', folder, '--cpu-cap=ins']).catch((error: unknown) => {
      throw new GodwitError('E_PREFLIGHT', `the CPU of ${node} lacks instructions that the workload may use`, {
        cause: error,
        next: 'choose another target, or a strategy without memory',
      });
    });
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-cpu-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
