import { type ErrorCode, GodwitError, messageOf } from '../lib/errors.ts';

/** Exit codes of `godwit`; they stand in docs/reference/cli.md. */
export const exitCodes = { done: 0, failed: 1, usage: 2, timedOut: 3, refused: 4, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const usage: readonly ErrorCode[] = [
  'E_CONFIG',
  'E_INPUT',
  'E_UNKNOWN_WORKLOAD',
  'E_UNKNOWN_NODE',
  'E_UNKNOWN_MIGRATION',
];
const refused: readonly ErrorCode[] = ['E_REFUSED', 'E_PREFLIGHT', 'E_BUSY', 'E_STALE', 'E_RECORD'];

export function exitCodeOf(code: ErrorCode): ExitCode {
  if (usage.includes(code)) return exitCodes.usage;
  if (refused.includes(code)) return exitCodes.refused;
  return code === 'E_TIMEOUT' ? exitCodes.timedOut : exitCodes.failed;
}

/** What a person reads of an error: one sentence, and the next step where there is one. */
export function describeError(error: unknown): string {
  const next = error instanceof GodwitError ? error.next : undefined;
  return `error: ${messageOf(error)}\n${next ? `next: ${next}\n` : ''}`;
}
