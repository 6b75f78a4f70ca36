import { type Detector, newest, reading } from './detector.ts';

/** THR: the newest sample against a fixed threshold. */
export const staticThreshold: Detector = (series, { threshold }) => reading('usage', newest(series), threshold);

/** EWMA: the moving average against a fixed threshold. */
export const averageThreshold: Detector = (series, { threshold }) => reading('usage', series.mean, threshold);

/** PSI: the share of time in which some task waited for the resource; EWMA where the kernel does not tell. */
export const pressureThreshold: Detector = (series, params) =>
  series.pressure === undefined
    ? averageThreshold(series, params)
    : reading('pressure', series.pressure, params.pressure);
