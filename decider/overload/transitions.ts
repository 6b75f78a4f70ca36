/** Lengths over which transition probabilities are estimated, as in TPDS 24(7). */
const windows = [30, 40, 50, 60, 70, 80, 90, 100];

/** Probability of each transition between state 0 (within the threshold) and 1 (overloaded): [from][to]. */
export type Transitions = readonly [readonly [number, number], readonly [number, number]];

/**
 * Multisize sliding windows (Beloglazov & Buyya, TPDS 24(7), 2013, 6): for each transition the longest window over which its
 * estimates vary no more than chance, p (1 - p) / w, explains. A window that is not full yet counts as if its rest were empty.
 */
export function estimateTransitions(states: readonly number[]): Transitions {
  const next: [number[], number[]] = [[], []];
  let previous = 0;
  for (const state of states) {
    next[previous === 1 ? 1 : 0].push(state);
    previous = state;
  }
  return [
    [estimate(next[0], 0), estimate(next[0], 1)],
    [estimate(next[1], 0), estimate(next[1], 1)],
  ];
}

/** Estimate of P(next = `to`) from the states that have followed one state, oldest first. */
function estimate(followers: readonly number[], to: number): number {
  const counts = [0];
  for (const state of followers) counts.push((counts.at(-1) ?? 0) + Number(state === to));
  const share = (end: number, window: number): number =>
    ((counts[end] ?? 0) - (counts[Math.max(0, end - window)] ?? 0)) / window;
  const last = followers.length;
  let selected = windows[0] ?? 1;
  for (const window of windows) {
    if (last < window || variance(share, last, window) > acceptable(share(last, window), window)) break;
    selected = window;
  }
  return share(last, selected);
}

const acceptable = (probability: number, window: number): number => (probability * (1 - probability)) / window;

/** Variance of the last `window` estimates. */
function variance(share: (end: number, window: number) => number, last: number, window: number): number {
  const estimates = Array.from({ length: window }, (_, back) => share(last - back, window));
  const mean = estimates.reduce((sum, value) => sum + value, 0) / window;
  return estimates.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (window - 1);
}
