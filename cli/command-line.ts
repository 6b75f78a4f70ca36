import { CommanderError } from 'commander';
import { GodwitError } from '../lib/errors.ts';
import { describeError, exitCodeOf, exitCodes } from './exit.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program/program.ts';

/** Runs one command line, without the program's name; resolves to its exit code. Faults are told on `io.err`. */
export async function runCommandLine(
  args: readonly string[],
  io: Io,
  build: typeof buildProgram = buildProgram,
): Promise<number> {
  let code: number = exitCodes.done;
  try {
    const program = build(io, (verbCode) => {
      code = verbCode;
    });
    await program.parseAsync(args, { from: 'user' });
    return io.signal.aborted && code !== exitCodes.done ? exitCodes.interrupted : code;
  } catch (error) {
    // commander has said all there is to say: help was asked for, or a flag or argument is wrong
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (io.signal.aborted) return exitCodes.interrupted;
    io.err(describeError(error));
    return error instanceof GodwitError ? exitCodeOf(error.code) : exitCodes.failed;
  }
}
