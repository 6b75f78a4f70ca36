import { access, constants } from 'node:fs/promises';
import type { Exec } from '../../lib/exec.ts';
import { imageProgram } from './checkpoint.ts';

/** Versions of the programs that a move depends on, for the node's record and `godwit doctor`. */
export async function toolVersions(exec: Exec): Promise<Record<string, string>> {
  const [runc, criu, kernel] = await Promise.all([
    firstMatch(exec, 'runc', ['--version'], /runc version (\S+)/),
    firstMatch(exec, 'criu', ['--version'], /Version: (\S+)/),
    firstMatch(exec, 'uname', ['-r'], /(\S+)/),
  ]);
  return { runc, criu, kernel };
}

/** The same of godwit-image, of which there is one version only. */
export const imageProgramVersion = (file = imageProgram): Promise<'there' | 'missing'> =>
  access(file, constants.X_OK).then(
    () => 'there',
    () => 'missing',
  );

async function firstMatch(exec: Exec, file: string, args: string[], pattern: RegExp): Promise<string> {
  const { stdout } = await exec(file, args).catch(() => ({ stdout: '' }));
  return pattern.exec(stdout)?.[1] ?? 'missing';
}
