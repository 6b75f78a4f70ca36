import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { completionScript } from './completion.ts';
import { buildProgram } from './program/program.ts';

const io = { out: () => undefined, err: () => undefined, env: {}, clock: systemClock, signal: AbortSignal.abort() };
const script = completionScript(
  buildProgram(io, () => undefined),
  'bash',
);

/** What a real bash offers for the last word of the line. */
function offered(...line: string[]): string[] {
  const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _godwit; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['-c', `${script}\n${ask}`, 'bash', 'godwit', ...line], { encoding: 'utf8' });
  return said.trim().split('\n').sort();
}

it.each([
  [['mi'], ['migrate']],
  [
    ['get', ''],
    [
      '--config',
      '--help',
      '--limit',
      '--no-headers',
      '--output',
      '--watch',
      'decisions',
      'migrations',
      'nodes',
      'workloads',
    ],
  ],
  [['get', '-w', 'nodes', '--l'], ['--limit']],
  [['policy', 'ch'], ['check']],
  [['policy', 'apply', '--d'], ['--dry-run']],
  [['resolve', 'm-1', '--k'], ['--keep']],
  [
    ['migrate', 'policy', '--t'],
    ['--timeout', '--to'],
  ],
])('%j', (line, expected) => {
  expect(offered(...line)).toEqual(expected);
});
