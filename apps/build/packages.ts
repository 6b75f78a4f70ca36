import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { App } from './catalogue.ts';

const run = promisify(execFile);

/** Installs the packages of `apps/package-lock.json` where that has not been done for this very lock file. */
export async function installPackages(apps: string): Promise<void> {
  const mark = join(apps, 'node_modules/.installed-lock.json');
  const lock = await readFile(join(apps, 'package-lock.json'), 'utf8');
  if ((await readFile(mark, 'utf8').catch(() => '')) === lock) return;
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: apps });
  await writeFile(mark, lock);
}

/** Copies an app's assets beside its program. */
export async function copyAssets(
  { assets = {} }: App,
  { apps, program }: { apps: string; program: string },
): Promise<void> {
  for (const [place, source] of Object.entries(assets)) {
    const target = join(program, place);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(apps, 'node_modules', source), target);
  }
}
