import { type Clock, systemClock } from '../lib/clock.ts';

/** What a verb touches of its process. `out` is for data, `err` for progress and faults. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
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
    signal,
  };
}
