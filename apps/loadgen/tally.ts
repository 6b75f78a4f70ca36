/** One request, from when it was due to its last attempt. */
export interface Outcome {
  /** When it was due, in milliseconds since the epoch. */
  readonly t: number;
  /** From `t` to the whole answer, or to giving up. */
  readonly latencyMs: number;
  readonly status: number | null;
  readonly attempts: number;
  readonly error: string | null;
}

export interface Summary {
  readonly startedAt: number;
  readonly durationMs: number;
  readonly requests: number;
  /** Answered by the application: any status below 500. */
  readonly answered: number;
  readonly failed: number;
  /** Requests that took more than one attempt, whatever became of them. */
  readonly retried: number;
  readonly attempts: number;
  readonly answeredPerSecond: number;
  /** Longest time between two answers that follow each other, and when it began. */
  readonly longestHoleMs: number;
  readonly longestHoleAt: number | null;
  /** From the last answer to the end: a hole that nothing has closed. */
  readonly silentTailMs: number;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

export interface Tally {
  /** Takes outcomes in the order in which they end. */
  add(outcome: Outcome): void;
  summary(endedAt: number): Summary;
}

export function createTally(startedAt: number): Tally {
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const total = { requests: 0, retried: 0, attempts: 0 };
  let lastAnswerAt: number | null = null;
  let hole: { ms: number; at: number | null } = { ms: 0, at: null };

  function answer(at: number, latencyMs: number): void {
    latencies.push(latencyMs);
    if (lastAnswerAt !== null && at - lastAnswerAt > hole.ms) hole = { ms: at - lastAnswerAt, at: lastAnswerAt };
    lastAnswerAt = at;
  }

  return {
    add({ t, latencyMs, status, attempts, error }) {
      total.requests += 1;
      total.attempts += attempts;
      if (attempts > 1) total.retried += 1;
      if (status !== null) statuses[status] = (statuses[status] ?? 0) + 1;
      if (error !== null) errors[error] = (errors[error] ?? 0) + 1;
      if (status !== null && status < 500) answer(t + latencyMs, latencyMs);
    },
    summary(endedAt) {
      const sorted = Float64Array.from(latencies).sort();
      const durationMs = endedAt - startedAt;
      return {
        startedAt: Math.round(startedAt),
        durationMs: round(durationMs),
        requests: total.requests,
        answered: sorted.length,
        failed: total.requests - sorted.length,
        retried: total.retried,
        attempts: total.attempts,
        answeredPerSecond: round((sorted.length * 1000) / durationMs),
        longestHoleMs: round(hole.ms),
        longestHoleAt: hole.at === null ? null : Math.round(hole.at),
        silentTailMs: round(endedAt - (lastAnswerAt ?? startedAt)),
        p50Ms: quantile(sorted, 0.5),
        p90Ms: quantile(sorted, 0.9),
        p99Ms: quantile(sorted, 0.99),
        maxMs: quantile(sorted, 1),
        statuses,
        errors,
      };
    },
  };
}

/** The nearest-rank quantile: the smallest value that at least `share` of all do not exceed. */
function quantile(sorted: Float64Array, share: number): number | null {
  const value = sorted[Math.ceil(share * sorted.length) - 1];
  return value === undefined ? null : round(value);
}

/** To hundredths of a millisecond. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
