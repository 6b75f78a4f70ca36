/** From `fromMs` after the start on, `perSecond` requests a second, until the next step. */
export interface Step {
  readonly fromMs: number;
  readonly perSecond: number;
}

/**
 * Parses steps such as `0:5,10:80,40:5`: second and rate.
 *
 * @throws Error that names the faulty step and what was expected.
 */
export function parseProfile(text: string): Step[] {
  const steps = text.split(',').map((part) => {
    const match = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(part.trim());
    if (!match) throw new Error(`"${part}": expected <second>:<requests per second>, as in 10:80`);
    return { fromMs: Number(match[1]) * 1000, perSecond: Number(match[2]) };
  });
  const disorder = steps.findIndex(({ fromMs }, i) => fromMs <= (steps[i - 1]?.fromMs ?? -1));
  if (disorder >= 0) throw new Error(`step ${disorder + 1}: expected a later second than the step before`);
  return steps;
}

/** When the requests of a profile are due, in milliseconds after the start, in order, up to `durationMs`. */
export function* dueTimes(profile: readonly Step[], durationMs: number): Generator<number> {
  let owed = 1; // the first request of the first step goes out at once; a step inherits what the last one had begun
  for (const [i, { fromMs, perSecond }] of profile.entries()) {
    const endMs = Math.min(profile[i + 1]?.fromMs ?? durationMs, durationMs);
    const due = (nth: number) => fromMs + ((nth - owed) * 1000) / perSecond;
    let nth = 1;
    for (; perSecond > 0 && due(nth) < endMs; nth += 1) yield due(nth);
    owed += Math.max(0, ((endMs - fromMs) * perSecond) / 1000) - (nth - 1);
  }
}
