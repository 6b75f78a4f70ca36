import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { labCommand } from '../../lab/lab.ts';

/** Kills a process of a node as soon as a shell condition holds there; quicker than anything that is asked for from outside. */
export interface Trap {
  /** Resolves when it has struck. */
  struck: Promise<void>;
  disarm(): void;
}

const script = `
echo armed
until eval "$1"; do sleep 0.002; done
kill -KILL "$2"`;

/** Returns when it is armed. */
export async function setTrap(lab: string, node: string, pid: number, condition: string): Promise<Trap> {
  const { file, args, env } = await labCommand(lab, node, ['/bin/sh', '-c', script, 'sh', condition, String(pid)]);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  return {
    struck: ended.then(([code]) => {
      if (code !== 0) throw new Error(`the trap on ${node} for process ${pid} failed with ${String(code)}`);
    }),
    disarm: () => void child.kill('SIGKILL'),
  };
}
