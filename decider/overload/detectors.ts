import type { PolicySpec } from '../../lib/contract/policy-spec.ts';
import type { Detector } from './detector.ts';
import { interquartileRangeThreshold, medianAbsoluteDeviationThreshold } from './dispersion.ts';
import { markov } from './mhod.ts';
import { leastSquares, localRegression, robustLocalRegression } from './regression.ts';
import { averageThreshold, pressureThreshold, staticThreshold } from './threshold.ts';

export type DetectorName = PolicySpec['overload']['detector'];

export const detectors: Record<DetectorName, Detector> = {
  THR: staticThreshold,
  EWMA: averageThreshold,
  MAD: medianAbsoluteDeviationThreshold,
  IQR: interquartileRangeThreshold,
  LR: leastSquares,
  LOESS: localRegression,
  RLOESS: robustLocalRegression,
  MHOD: markov,
  PSI: pressureThreshold,
};

/** Samples that each looks back on. */
export const historyLengths: Record<DetectorName, number> = {
  THR: 1,
  EWMA: 1,
  MAD: 30,
  IQR: 30,
  LR: 10,
  LOESS: 10,
  RLOESS: 10,
  MHOD: 500,
  PSI: 1,
};

/** The published safety parameters; 1 where there is none. */
export const safetyParameters: Record<DetectorName, number> = {
  THR: 1,
  EWMA: 1,
  MAD: 2.5,
  IQR: 1.5,
  LR: 1.2,
  LOESS: 1.2,
  RLOESS: 1.2,
  MHOD: 1,
  PSI: 1,
};
