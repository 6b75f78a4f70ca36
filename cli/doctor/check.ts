import type { Clock } from '../../lib/clock.ts';
import type { Exec } from '../../lib/exec.ts';
import type { HubConfig, NodeConfig } from '../../lib/node-config.ts';
import type { Io } from '../io.ts';
import type { Kind } from '../output.ts';

export interface Finding {
  check: string;
  /** `warning`: some moves are slower or impossible, or images can not be run; `fault`: nothing works until it is mended. */
  state: 'ok' | 'warning' | 'fault';
  found: string;
  next?: string;
}

export interface Machine {
  exec: Exec;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** What is configured here; a machine may be a node, the hub, both or neither yet. */
  node?: NodeConfig;
  hub?: HubConfig;
}

/** Looks at one thing and says what it found; none where there is nothing to look at. */
export type Check = (machine: Machine) => Promise<Finding[]>;

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found });
export const warning = (check: string, found: string, next: string): Finding => ({
  check,
  state: 'warning',
  found,
  next,
});
export const fault = (check: string, found: string, next: string): Finding => ({ check, state: 'fault', found, next });

export const findings: Kind<Finding> = {
  kind: 'check',
  name: ({ check }) => check,
  columns: [
    { header: 'CHECK', value: ({ check }) => check },
    { header: 'STATE', value: ({ state }) => state },
    { header: 'FOUND', value: ({ found }) => found },
    { header: 'NEXT', wide: true, value: ({ next }) => next },
  ],
};

/** Says on stderr what to do about what is not ok. */
export function tellNext(io: Io, found: readonly Finding[]): void {
  for (const { check, state, next } of found) if (state !== 'ok') io.err(`${state}: ${check}; next: ${next}\n`);
}

/** Whether a program ends well, and the last line that it printed. */
export async function attempt(
  exec: Exec,
  file: string,
  args: readonly string[],
): Promise<{ ok: boolean; said: string }> {
  try {
    const { stdout, stderr } = await exec(file, args, { timeoutMs: 10_000 });
    return { ok: true, said: lastLine(`${stderr}\n${stdout}`) };
  } catch (error) {
    return { ok: false, said: lastLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** Without the command and the place in the program's source. */
const lastLine = (text: string): string =>
  (text.trim().split('\n').at(-1) ?? '').replace(/^.*\(\S+\.c:\d+\):/, '').trim();
