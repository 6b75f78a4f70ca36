import type { Detector } from './detector.ts';
import { median } from './dispersion.ts';
import { staticThreshold } from './threshold.ts';

/** Few, so that the line follows the newest ones. */
const samples = 10;

interface Line {
  intercept: number;
  slope: number;
}

/** s x the usage that a line through the last 10 samples foretells for the end of the longest migration, against 1. */
const forecasting =
  (lineOf: (values: readonly number[]) => Line): Detector =>
  (series, params) => {
    const values = series.history.slice(-samples);
    if (values.length < samples) return staticThreshold(series, params);
    const { intercept, slope } = lineOf(values);
    const level = params.safetyParameter * (intercept + slope * (samples + series.horizon()));
    return { measure: 'forecast', level, threshold: 1, beyond: level >= 1 };
  };

/** LR and LRR as the released CloudSim computes them: its tricube weights are never applied. */
export const leastSquares = forecasting((values) =>
  fitLine(
    values,
    values.map(() => 1),
  ),
);

/** LR as published in Beloglazov & Buyya, CCPE 24(13), 2012, 6.3: Cleveland's local regression at the newest sample. */
export const localRegression = forecasting((values) => fitLine(values, tricube(values.length)));

/** LRR as published, 6.4: outliers weighed down by the bisquare of their distance from the first line. */
export const robustLocalRegression = forecasting((values) => {
  const weights = tricube(values.length);
  const first = fitLine(values, weights);
  const distances = values.map((value, index) => Math.abs(value - first.intercept - first.slope * (index + 1)));
  const reach = 6 * median(distances);
  if (reach === 0) return first;
  const robust = distances.map((distance, index) => (weights[index] ?? 0) * bisquare(distance / reach));
  return fitLine(values, robust);
});

/** Cleveland 1979: (1 - u^3)^3, u the distance from the newest of n points as a share of the farthest: 0 at the oldest, 1 at the newest. */
export const tricube = (n: number): number[] =>
  Array.from({ length: n }, (_, index) => (1 - ((n - 1 - index) / (n - 1)) ** 3) ** 3);

const bisquare = (u: number): number => (u < 1 ? (1 - u ** 2) ** 2 : 0);

/** The line of least weighted squares through (1, y1), (2, y2), ...; level where the weights leave a single point. */
export function fitLine(values: readonly number[], weights: readonly number[]): Line {
  let weight = 0;
  let x = 0;
  let y = 0;
  for (const [index, value] of values.entries()) {
    const share = weights[index] ?? 0;
    weight += share;
    x += share * (index + 1);
    y += share * value;
  }
  x /= weight;
  y /= weight;
  let squares = 0;
  let products = 0;
  for (const [index, value] of values.entries()) {
    const distance = (weights[index] ?? 0) * (index + 1 - x);
    squares += distance * (index + 1 - x);
    products += distance * (value - y);
  }
  const slope = squares > 0 ? products / squares : 0;
  return { intercept: y - slope * x, slope };
}
