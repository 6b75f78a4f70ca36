import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { labCommand, labExec } from '../../lab/lab.ts';
import { until } from './until.ts';

/** What a pod of the counter app said to a client outside all pods. */
export interface Answer {
  at: number;
  url: string;
  body: { nonce: string; count: number; checksum: number };
}

export interface AnswerWatch {
  answers: Answer[];
  /** From now on this pod is asked as well. */
  add(address: string): void;
  from(address: string): Answer[];
  /** The longest time between two answers, whichever pod gave them, in milliseconds. */
  longestHole(): number;
  stop(): void;
}

const urlOf = (address: string): string => `http://${address}:8080/`;

/** Asks pods from a node of the lab, all the time. */
export async function watchAnswers(lab: string, node: string): Promise<AnswerWatch> {
  const { file, args, env } = await labCommand(lab, node, ['node', '/opt/godwit/test/helpers/pod-prober.ts']);
  const prober = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const answers: Answer[] = [];
  createInterface({ input: prober.stdout as Readable }).on('line', (line) => answers.push(JSON.parse(line)));
  return {
    answers,
    add: (address) => void prober.stdin?.write(`${urlOf(address)}\n`),
    from: (address) => answers.filter(({ url }) => url === urlOf(address)),
    longestHole: () => {
      const times = answers.map(({ at }) => at).sort((a, b) => a - b);
      return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
    },
    stop: () => void prober.stdin?.end(),
  };
}

export interface PodSelf {
  nonce: string;
  counter: number;
  checksum: { ok: boolean };
}

/** What the pod says of itself, all of its memory checked; waits until it answers. */
export function selfOfPod(lab: string, node: string, address: string): Promise<PodSelf> {
  const program = `fetch('${urlOf(address)}self?full').then((answer) => answer.text()).then((text) => process.stdout.write(text))`;
  return until(`${address} to answer`, 20_000, async () => {
    const { stdout } = await labExec(lab, node, ['node', '-e', program], { timeoutMs: 10_000 });
    return JSON.parse(stdout) as PodSelf;
  });
}
