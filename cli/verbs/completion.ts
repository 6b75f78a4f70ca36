import { completionScript } from '../completion.ts';
import { exitCodes } from '../exit.ts';
import { choice, parseFlags } from '../flags.ts';
import type { Verb } from '../io.ts';
import { buildProgram } from '../program/program.ts';

export const run: Verb = async (input, io) => {
  const { shell } = parseFlags({ shell: choice('shell', ['bash', 'zsh']) }, input, 'completion');
  io.out(
    completionScript(
      buildProgram(io, () => undefined),
      shell,
    ),
  );
  return exitCodes.done;
};
