import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { GodwitError } from '../../lib/errors.ts';
import { isMissing } from '../../lib/files.ts';

/**
 * Archives are GNU tar's incremental format: level 0 holds everything, level 1 what changed since, deletions included
 * (https://www.gnu.org/software/tar/manual/html_node/Incremental-Dumps.html). Extended attributes and device nodes are kept,
 * because an overlay's whiteouts and opaque marks are made of them.
 */
const common = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '--sparse'];

/** Where files stand that move together. */
export interface FilesFolder {
  folder: string;
  /** Words before a program that is to see them there: in a mount namespace of its own. */
  within: readonly string[];
  /** The folders of this machine that they come from. */
  parts: readonly string[];
}

export interface Archive {
  stream: Readable;
  /** Rejects with E_TRANSFER when tar failed; await it after the stream was consumed. */
  done: Promise<void>;
}

/** Packs a folder. With `snapshot` level 0 writes that file anew and level 1 reads it. */
export async function packFolder(
  folder: string,
  options: { snapshot?: string; level?: 0 | 1; within?: readonly string[] } = {},
): Promise<Archive> {
  const args = [...common, '-C', folder, '--create', '--file=-'];
  if (options.snapshot) {
    const file = `${options.snapshot}.${options.level}`;
    if (options.level === 1) await copyIfPresent(`${options.snapshot}.0`, file);
    args.push(`--listed-incremental=${file}`, ...(options.level === 0 ? ['--level=0'] : []));
  }
  const [program = 'tar', ...words] = [...(options.within ?? []), 'tar', ...args, '.'];
  const tar = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  // exit code 1: a file changed while it was read, which level 1 makes good
  return { stream: tar.stdout, done: ended(tar, `packing ${folder}`, [0, 1]) };
}

/** Unpacks into a folder; with `incremental` what was deleted at the source is deleted here. */
export async function unpackInto(
  folder: string,
  source: Readable,
  options: { incremental: boolean; within?: readonly string[] },
): Promise<void> {
  const args = [...common, '-C', folder, '--extract', '--file=-', '--same-permissions', '--same-owner'];
  if (options.incremental) args.push('--listed-incremental=/dev/null');
  const [program = 'tar', ...words] = [...(options.within ?? []), 'tar', ...args];
  const tar = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe'] });
  const done = ended(tar, `unpacking into ${folder}`, [0]);
  done.catch(() => undefined);
  // tar stops reading at the archive's end mark, before the padding behind it: the rest is read and dropped
  tar.stdin.on('error', () => undefined);
  tar.stdin.on('close', () => {
    source.unpipe(tar.stdin);
    source.resume();
  });
  const whole = finished(source, { writable: false });
  whole.catch(() => tar.stdin.destroy());
  source.pipe(tar.stdin);
  try {
    await whole;
  } catch (error) {
    throw new GodwitError('E_TRANSFER', 'the archive was cut short', { cause: error });
  }
  await done;
}

async function ended(child: ReturnType<typeof spawn>, doing: string, good: number[]): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-500);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === null || !good.includes(code))
    throw new GodwitError('E_TRANSFER', `${doing}: tar ended with ${code ?? 'a signal'}: ${said.trim()}`);
}

async function copyIfPresent(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
