import { GodwitError } from '../../lib/errors.ts';
import type { DetectorParams } from '../overload/detector.ts';
import type { DetectorName } from '../overload/detectors.ts';
import type { VictimSelectionName } from '../victim/selections.ts';

/** A policy of the literature: a detector, a victim selection, and the one parameter that its name carries. */
export interface Baseline {
  /** Such as `LR-MMT-1.2`. */
  name: string;
  detector: DetectorName;
  params: DetectorParams;
  victim: VictimSelectionName;
}

/** What the parameter means to each detector, and its range: above `min`, at most `max`. */
const parameters: Record<string, { detector: DetectorName; field: keyof DetectorParams; max: number }> = {
  THR: { detector: 'THR', field: 'threshold', max: 1 },
  EWMA: { detector: 'EWMA', field: 'threshold', max: 1 },
  MAD: { detector: 'MAD', field: 'safetyParameter', max: 10 },
  IQR: { detector: 'IQR', field: 'safetyParameter', max: 10 },
  LR: { detector: 'LR', field: 'safetyParameter', max: 10 },
  // the released CloudSim computes the same for both
  LRR: { detector: 'LR', field: 'safetyParameter', max: 10 },
  LOESS: { detector: 'LOESS', field: 'safetyParameter', max: 10 },
  RLOESS: { detector: 'RLOESS', field: 'safetyParameter', max: 10 },
  MHOD: { detector: 'MHOD', field: 'otf', max: 1 },
};
const victims: readonly VictimSelectionName[] = ['MMT', 'MC', 'MU', 'RS'];

/** CloudSim: MAD, IQR and the regressions fall back on THR-0.7 while their history is short; MHOD's overload is full use. */
const standard: DetectorParams = { threshold: 0.7, safetyParameter: 1, otf: 1, pressure: 1 };

/**
 * Reads `<DETECTOR>-<VICTIM>-<parameter>`, such as `THR-MMT-0.8`.
 * @returns undefined where the text has not that form, so that it may be a file or another policy's name
 * @throws E_INPUT where it has, and a part of it is wrong
 */
export function parseBaseline(name: string): Baseline | undefined {
  const [, detector = '', victim = '', number = ''] = /^([A-Z]+)-([A-Z]+)-(\d+(?:\.\d+)?)$/.exec(name) ?? [];
  if (detector === '') return undefined;
  const known = parameters[detector];
  if (!known) throw fault(name, `expected a detector of ${Object.keys(parameters).join(', ')}, received ${detector}`);
  const selection = victims.find((candidate) => candidate === victim);
  if (!selection) throw fault(name, `expected a victim selection of ${victims.join(', ')}, received ${victim}`);
  const parameter = Number(number);
  if (parameter <= 0 || parameter > known.max)
    throw fault(name, `expected a parameter above 0, at most ${known.max}, received ${number}`);
  const threshold = known.detector === 'MHOD' ? 1 : standard.threshold;
  return {
    name,
    detector: known.detector,
    victim: selection,
    params: { ...standard, threshold, [known.field]: parameter },
  };
}

const fault = (name: string, message: string): GodwitError => new GodwitError('E_INPUT', `policy ${name}: ${message}`);
