import { createInterface } from 'node:readline/promises';
import { type Clock, systemClock } from '../lib/clock.ts';

/** What a verb touches of its process. `out` is for data, `err` for progress and faults. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** Asks a person yes or no; absent where nobody can be asked. */
  confirm?: (question: string) => Promise<boolean>;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/** A verb's module exports this as `run`; `input` holds its flags and arguments by name, still unchecked. Resolves to the exit code. */
export type Verb = (input: unknown, io: Io) => Promise<number>;

export function processIo(signal: AbortSignal): Io {
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    clock: systemClock,
    ...(process.stdin.isTTY && process.stderr.isTTY && { confirm: (question: string) => confirm(question, signal) }),
    signal,
  };
}

async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
