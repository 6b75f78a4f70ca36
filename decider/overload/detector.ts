/** What a detector knows of one resource of one node; usages are shares of its capacity. */
export interface Series {
  /** Usage sample by sample, oldest first, the newest last; never empty. */
  history: readonly number[];
  /** Moving average of the usage. */
  mean: number;
  /** How far ahead to look: samples that the longest migration from here takes. */
  horizon(): number;
  /** PSI `some` of the newest sample; undefined: its kernel has none. */
  pressure?: number | undefined;
}

export interface DetectorParams {
  /** Usage beyond which a node is overloaded. MAD, IQR and the regressions use it only until their history is long enough. */
  threshold: number;
  /** The s of MAD, IQR and the regressions: larger acts sooner. */
  safetyParameter: number;
  /** MHOD: share of time that may be spent overloaded. */
  otf: number;
  /** PSI: pressure beyond which a node is overloaded. */
  pressure: number;
}

/** What `level` and `threshold` of a reading measure. */
export type Measure = 'usage' | 'forecast' | 'pressure' | 'overload-time';

/** What a detector makes of the newest sample; holding and firing are not its business. */
export interface Reading {
  measure: Measure;
  level: number;
  threshold: number;
  beyond: boolean;
}

export type Detector = (series: Series, params: DetectorParams) => Reading;

export const newest = (series: Series): number => series.history.at(-1) ?? 0;

export const reading = (measure: Measure, level: number, threshold: number): Reading => ({
  measure,
  level,
  threshold,
  beyond: level > threshold,
});
