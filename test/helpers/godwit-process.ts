import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { eventually } from './eventually.ts';

const binary = resolve(import.meta.dirname, '../../bin/godwit');

export interface StartedGodwit {
  pid: number;
  stderr(): string;
  /** Signals it and waits for its end; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that goes on running, such as `hub`; resolves when it has said its first word. */
export async function startGodwit(args: readonly string[], env: Record<string, string>): Promise<StartedGodwit> {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await eventually(async () => said !== '', 20_000);
  return {
    pid: child.pid ?? 0,
    stderr: () => said,
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}
