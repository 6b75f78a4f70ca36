import { CommanderError } from 'commander';
import { GodwitError } from '../lib/errors.ts';
import { describeError, exitCodeOf, exitCodes } from './exit.ts';
import { processIo } from './io.ts';
import { buildProgram } from './program/program.ts';

const controller = new AbortController();
process.once('SIGINT', () => controller.abort(new Error('interrupted')));
// a reader that has seen enough, such as `head`, is no fault of ours
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

// a connection that is still being dialled would keep the process alive
process.exit(await main(process.argv));

async function main(argv: readonly string[]): Promise<number> {
  const io = processIo(controller.signal);
  let code: number = exitCodes.done;
  try {
    await buildProgram(io, (verbCode) => {
      code = verbCode;
    }).parseAsync(argv);
    return controller.signal.aborted && code !== exitCodes.done ? exitCodes.interrupted : code;
  } catch (error) {
    // commander has said all there is to say: help was asked for, or a flag or argument is wrong
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (controller.signal.aborted) return exitCodes.interrupted;
    io.err(describeError(error));
    return error instanceof GodwitError ? exitCodeOf(error.code) : exitCodes.failed;
  }
}
