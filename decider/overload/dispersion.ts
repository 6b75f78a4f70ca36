import { type Detector, newest, reading } from './detector.ts';
import { staticThreshold } from './threshold.ts';

/** Fewer samples say nothing of their spread. */
const leastSamples = 12;
const window = 30;

/** 1 - s x spread of the last 30 samples: the more a load varies, the earlier it counts as too much. */
const adaptive =
  (spread: (values: readonly number[]) => number): Detector =>
  (series, params) => {
    const values = series.history.slice(-window);
    if (values.length < leastSamples) return staticThreshold(series, params);
    return reading('usage', newest(series), 1 - params.safetyParameter * spread(values));
  };

/** Beloglazov & Buyya, CCPE 24(13), 2012, 6.1: threshold 1 - s MAD. */
export const medianAbsoluteDeviationThreshold = adaptive(medianAbsoluteDeviation);

/** The same, 6.2: threshold 1 - s IQR. */
export const interquartileRangeThreshold = adaptive(interquartileRange);

export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Median distance from the median. */
export function medianAbsoluteDeviation(values: readonly number[]): number {
  const center = median(values);
  return median(values.map((value) => Math.abs(value - center)));
}

/** Third less first quartile, each the value of rank round(q (n + 1)), as CloudSim ranks them. */
export function interquartileRange(values: readonly number[]): number {
  const sorted = ascending(values);
  const ranked = (quantile: number): number => sorted[Math.round(quantile * (sorted.length + 1)) - 1] ?? 0;
  return ranked(0.75) - ranked(0.25);
}

const ascending = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();
