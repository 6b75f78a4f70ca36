import { runCommandLine } from '../../cli/command-line.ts';
import { buildProgram } from '../../cli/program/program.ts';
import { systemClock } from '../../lib/clock.ts';

export interface GodwitResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface GodwitOptions {
  /** The command line of bare nodes, or that of a cluster. */
  build?: typeof buildProgram;
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** Told all that stdout holds so far, whenever there is more. */
  onOut?: (stdout: string) => unknown;
}

/** Runs a command line to its end, in this process: starting Node for each would take most of a test's time. */
export async function godwit(
  args: readonly string[],
  { env = {}, signal = new AbortController().signal, onOut, build = buildProgram }: GodwitOptions = {},
): Promise<GodwitResult> {
  let [stdout, stderr] = ['', ''];
  const out = (text: string): void => {
    stdout += text;
    onOut?.(stdout);
  };
  const err = (text: string): void => {
    stderr += text;
  };
  const exitCode = await runCommandLine(args, { out, err, env, clock: systemClock, signal }, build);
  return { exitCode, stdout, stderr };
}
