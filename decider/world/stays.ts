import type { Decision } from '../../lib/contract/decision.ts';
import type { StayMemory } from './model.ts';

/** A "no" for the same reason is recorded again after this long. */
const repeatMs = 10 * 60_000;

/** What a verdict that starts nothing is about, and its reason in a word: one record of it is enough for a while. */
export function stayOf(verdict: Pick<Decision, 'verdict' | 'trigger' | 'node' | 'workload' | 'target' | 'reports'>): {
  subject: string;
  reason: string;
} {
  const subject = verdict.trigger === 'return' ? `return/${verdict.workload}` : `overload/${verdict.node}`;
  const last = verdict.reports.at(-1);
  const reason =
    verdict.verdict === 'migrate'
      ? `recommended/${verdict.workload}/${verdict.target}`
      : `${last?.stage}/${String(last?.terms.reason ?? '')}`;
  return { subject, reason };
}

export function isNews(known: StayMemory | undefined, reason: string, now: number): boolean {
  return known?.reason !== reason || Math.abs(now - known.at) >= repeatMs;
}
