import type { StageReport } from '../../lib/contract/decision.ts';

type Terms = StageReport['terms'];
export type Candidate = NonNullable<StageReport['candidates']>[number];

/** A stage hands on what it found, or stops the pipeline; either way it says what it saw. */
export type StageResult<T> = { ok: true; value: T; report: StageReport } | { ok: false; report: StageReport };

type Details = { summary: string; terms?: Terms; candidates?: Candidate[] | undefined };

export function pass<T>(stage: StageReport['stage'], value: T, details: Details): StageResult<T> {
  return { ok: true, value, report: report(stage, 'pass', details) };
}

/** `reason` is a word for machines: the same "no" for the same reason is recorded once. */
export function stop(
  stage: StageReport['stage'],
  reason: string,
  details: Details,
): { ok: false; report: StageReport } {
  return { ok: false, report: report(stage, 'stop', { ...details, terms: { reason, ...details.terms } }) };
}

function report(stage: StageReport['stage'], outcome: StageReport['outcome'], details: Details): StageReport {
  const { summary, terms = {}, candidates } = details;
  return { stage, outcome, summary, terms, ...(candidates && { candidates }) };
}

/** Longest list of candidates in a report. */
export const maxCandidates = 8;
