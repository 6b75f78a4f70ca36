import { runCommandLine } from './command-line.ts';
import { exitCodes } from './exit.ts';
import { processIo } from './io.ts';
import type { buildProgram } from './program/program.ts';

/** Runs this process's command line, and ends the process with its code. */
export async function runProcess(build: typeof buildProgram): Promise<never> {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Error('interrupted')));
  // a reader that has seen enough, such as `head`, is no fault of ours
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });

  // a connection that is still being dialled would keep the process alive
  process.exit(await runCommandLine(process.argv.slice(2), processIo(controller.signal), build));
}
