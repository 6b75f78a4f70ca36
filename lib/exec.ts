import { execa, type Options } from 'execa';
import { GodwitError } from './errors.ts';

export interface ExecOptions {
  timeoutMs?: number;
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  signal?: AbortSignal;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
}

/** Runs a program to its end and returns what it printed; throws E_EXEC, or E_TIMEOUT past `timeoutMs` (default 30 s). */
export type Exec = (file: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

export const systemExec: Exec = async (file, args, options = {}) => {
  const settings: Options = {
    timeout: options.timeoutMs ?? 30_000,
    killDescendants: true,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.signal && { cancelSignal: options.signal }),
  };
  const result = await execa(file, args, { ...settings, reject: false });
  if (!result.failed) return { stdout: String(result.stdout), stderr: String(result.stderr) };
  const command = [file, ...args.slice(0, 3)].join(' ');
  const said = String(result.stderr ?? '')
    .trim()
    .split('\n')
    .slice(-3)
    .join(' | ');
  if (result.timedOut)
    throw new GodwitError('E_TIMEOUT', `${command}: not done after ${settings.timeout} ms`, { cause: result });
  throw new GodwitError('E_EXEC', `${command}: ${said || result.message}`, { cause: result });
};
