import { type Detector, newest, type Reading } from './detector.ts';
import { estimateTransitions, type Transitions } from './transitions.ts';

/** Nothing is decided on fewer samples. */
const learningSamples = 30;
const gridStep = 0.1;

/**
 * MHOD: Beloglazov & Buyya, "Managing Overloaded Hosts ... under Quality of Service Constraints", TPDS 24(7), 2013. Of all policies
 * "migrate with probability m_i in state i" of a two-state Markov chain, is there one that keeps the share of overloaded time,
 * (T_m + t_overloaded + L_1) / (T_m + t + L_0 + L_1), within the bound? L_i is the expected time in state i until the migration, in samples.
 * While there is, the node may wait; when there is none, it has to act. `threshold` parts the states; the times are those of the history.
 */
export const markov: Detector = (series, { threshold, otf }) => {
  const states = series.history.map((usage) => Number(usage >= threshold));
  const reading = (level: number): Reading => ({
    measure: 'overload-time',
    level,
    threshold: otf,
    beyond: level > otf,
  });
  const overloaded = states.reduce((sum, state) => sum + state, 0);
  if (states.length < learningSamples) return reading(0);
  const transitions = estimateTransitions(states);
  const current = newest(series) >= threshold ? 1 : 0;
  if (transitions[current][1] === 0) return reading(0);
  return reading(leastOverloadTime(transitions, current, series.horizon(), states.length, overloaded));
};

/** The least share of overloaded time that any policy reaches; policies that never migrate bring none. */
function leastOverloadTime(
  p: Transitions,
  current: 0 | 1,
  migration: number,
  time: number,
  overloaded: number,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let m0 = 0; m0 <= 1 + gridStep / 2; m0 += gridStep)
    for (let m1 = 0; m1 <= 1 + gridStep / 2; m1 += gridStep) {
      const [normal, hot] = expectedTimes(p, current, [Math.min(m0, 1), Math.min(m1, 1)]);
      const share = (migration + overloaded + hot) / (migration + time + normal + hot);
      if (share < least) least = share;
    }
  return least;
}

/**
 * Expected samples in state 0 and 1 until the migration, the present one included: the row of the current state in (I - A)^-1,
 * a_ij = (1 - m_i) p_ij. NaN where the chain never ends.
 */
export function expectedTimes(p: Transitions, current: 0 | 1, m: readonly [number, number]): [number, number] {
  const [[a00, a01], [a10, a11]] = [
    [(1 - m[0]) * p[0][0], (1 - m[0]) * p[0][1]],
    [(1 - m[1]) * p[1][0], (1 - m[1]) * p[1][1]],
  ];
  const determinant = (1 - a00) * (1 - a11) - a01 * a10;
  if (determinant < 1e-12) return [Number.NaN, Number.NaN];
  return current === 0 ? [(1 - a11) / determinant, a01 / determinant] : [a10 / determinant, (1 - a00) / determinant];
}
