import { Command } from 'commander';
import type { Io, Verb } from '../io.ts';
import { addActing } from './act.ts';
import { addLab } from './lab.ts';
import { addLooking } from './look.ts';
import { addReplay } from './replay.ts';
import { addSetup } from './setup.ts';
import { addWorkloads } from './workloads.ts';

/** Makes a commander action of a verb's module, which is loaded only when the verb is typed. */
export type Lazily = (load: () => Promise<{ run: Verb }>) => (...args: unknown[]) => Promise<void>;

/** The whole command line: names, flags and help; nothing that a verb needs is loaded. `done` hears the verb's exit code. */
export function buildProgram(io: Io, done: (code: number) => void): Command {
  const lazily: Lazily =
    (load) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      const verb = await load();
      done(await verb.run(inputOf(command), io));
    };
  const program = new Command('godwit')
    .description('Moves running containers, with their memory, between edge nodes and the cloud.')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: (text, write) => write(usageError(text)) })
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .helpCommand(false);
  addLooking(program, lazily);
  addActing(program, lazily);
  addReplay(program, lazily);
  addWorkloads(program, lazily);
  addSetup(program, lazily);
  addLab(program, lazily);
  return program;
}

/** Flags and arguments of a command by their names. */
function inputOf(command: Command): Record<string, unknown> {
  const named = command.registeredArguments.map((argument, index) => [argument.name(), command.processedArgs[index]]);
  return { ...command.optsWithGlobals(), ...Object.fromEntries(named) };
}

function usageError(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  return `${first}${hint ? ` (${hint})` : ''}\nnext: godwit --help, or --help after any command\n`;
}
