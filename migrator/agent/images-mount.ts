import { mkdir, readFile } from 'node:fs/promises';
import type { Exec } from '../../lib/exec.ts';
import { migrationsMount, type Paths } from '../paths.ts';

/**
 * Images lie in a tmpfs of their own: never on a disk, readable by root alone, and too large a checkpoint fails by its limit
 * instead of filling /run. `noswap` (Linux 6.4) keeps them out of swap where the kernel can.
 */
export async function ensureImagesMount(paths: Paths, capacityBytes: number, exec: Exec): Promise<void> {
  const folder = migrationsMount(paths);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  if (mounts.split('\n').some((line) => line.split(' ')[4] === folder)) return;
  const options = `mode=700,size=${Math.floor(capacityBytes * 0.6)}`;
  const mount = (extra: string) => exec('mount', ['-t', 'tmpfs', '-o', options + extra, 'godwit', folder]);
  await mount(',noswap').catch(() => mount(''));
}
