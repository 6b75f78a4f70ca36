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
  const { program, lazily } = newProgram('godwit', io, done);
  program.description('Moves running containers, with their memory, between edge nodes and the cloud.');
  addLooking(program, lazily);
  addActing(program, lazily);
  addReplay(program, lazily);
  addWorkloads(program, lazily);
  addSetup(program, lazily);
  addLab(program, lazily);
  return program;
}

/** A command line without verbs yet; `name` is what people type. */
export function newProgram(name: string, io: Io, done: (code: number) => void): { program: Command; lazily: Lazily } {
  const lazily: Lazily =
    (load) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      const verb = await load();
      done(await verb.run(inputOf(command), io));
    };
  const outputError = (text: string, write: (text: string) => void): void => write(usageError(text, name));
  const program = new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError })
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .helpCommand(false);
  return { program, lazily };
}

/** Flags and arguments of a command by their names. */
function inputOf(command: Command): Record<string, unknown> {
  const named = command.registeredArguments.map((argument, index) => [argument.name(), command.processedArgs[index]]);
  return { ...command.optsWithGlobals(), ...Object.fromEntries(named) };
}

function usageError(text: string, program: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  return `${first}${hint ? ` (${hint})` : ''}\nnext: ${program} --help, or --help after any command\n`;
}
