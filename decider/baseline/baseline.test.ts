import { describe, expect, test } from 'vitest';
import { parseBaseline } from './baseline.ts';

describe('a name of the literature', () => {
  test.each([
    ['THR-MMT-0.8', 'THR', 'MMT', { threshold: 0.8 }],
    ['EWMA-MU-1', 'EWMA', 'MU', { threshold: 1 }],
    ['MAD-RS-2.5', 'MAD', 'RS', { safetyParameter: 2.5, threshold: 0.7 }],
    ['IQR-MC-1.5', 'IQR', 'MC', { safetyParameter: 1.5, threshold: 0.7 }],
    ['LR-MMT-1.2', 'LR', 'MMT', { safetyParameter: 1.2, threshold: 0.7 }],
    ['LRR-MMT-1.2', 'LR', 'MMT', { safetyParameter: 1.2 }],
    ['LOESS-MMT-1.2', 'LOESS', 'MMT', { safetyParameter: 1.2 }],
    ['MHOD-MMT-0.1', 'MHOD', 'MMT', { otf: 0.1, threshold: 1 }],
  ])('%s', (name, detector, victim, params) => {
    expect(parseBaseline(name)).toMatchObject({ name, detector, victim, params });
  });

  test.each(['default', 'never', './policy.yaml', 'THR-MMT', 'thr-mmt-0.8'])('%s is none', (name) => {
    expect(parseBaseline(name)).toBeUndefined();
  });

  test.each([
    ['ARIMA-MMT-1', /expected a detector of THR, .*, received ARIMA/],
    ['PSI-MMT-0.4', /received PSI/],
    ['THR-XX-0.8', /expected a victim selection of MMT, MC, MU, RS, received XX/],
    ['THR-MMT-80', /expected a parameter above 0, at most 1, received 80/],
    ['LR-MMT-0', /above 0, at most 10, received 0/],
  ])('%s is refused', (name, reason) => {
    expect(() => parseBaseline(name)).toThrow(reason);
  });
});
