import { createWriteStream, type WriteStream } from 'node:fs';
import { defaultPatience, runLoad } from '../../apps/loadgen/run.ts';
import type { Outcome } from '../../apps/loadgen/tally.ts';
import type { Part } from './cast.ts';

/** A person outside who asks one workload 25 times a second, and writes down every answer. */
export interface Client {
  part: Part;
  outcomes: Outcome[];
  stop(): Promise<void>;
}

const watchPerSecond = 25;
const longestMs = 600_000;

export function startClient(part: Part, url: string, log: WriteStream): Client {
  const controller = new AbortController();
  const outcomes: Outcome[] = [];
  const done = runLoad({
    ...defaultPatience,
    call: () => ({ url: `${url}${part.watch}`, method: 'GET', body: null }),
    loop: { kind: 'open', profile: [{ fromMs: 0, perSecond: watchPerSecond }], maxInFlight: 1000 },
    durationMs: longestMs,
    maxRequests: 1_000_000,
    signal: controller.signal,
    onOutcome: (outcome) => {
      outcomes.push(outcome);
      log.write(`${JSON.stringify({ workload: part.name, ...outcome })}\n`);
    },
  });
  return {
    part,
    outcomes,
    stop: async () => {
      controller.abort();
      await done;
    },
  };
}

/** Longest time between two answers that follow each other, among those that touch the window; in milliseconds. */
export function longestHole(outcomes: readonly Outcome[], from: number, to: number): number {
  const answers = outcomes
    .filter(({ status }) => status !== null && status < 500)
    .map(({ t, latencyMs }) => t + latencyMs)
    .sort((a, b) => a - b);
  let longest = 0;
  for (const [index, at] of answers.entries()) {
    const before = answers[index - 1];
    if (before !== undefined && at >= from && before <= to) longest = Math.max(longest, at - before);
  }
  return Math.round(longest);
}

export const openLog = (file: string): WriteStream => createWriteStream(file, { mode: 0o644 });
