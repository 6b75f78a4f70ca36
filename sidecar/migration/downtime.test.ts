import { describe, expect, test } from 'vitest';
import type { Pod } from '../../k8s/objects/pod.ts';
import { downtimeMs } from './downtime.ts';
import { aPod, bornAt } from './fixtures.ts';
import type { Progress } from './progress.ts';

const ranAt = bornAt + 10_000;
const ran: Progress = { stage: 'switch', stageTimes: { switch: ranAt }, measurements: { freezeMs: 312.4 } };
const ready = (lastTransitionTime?: string): Pod => ({
  ...aPod(),
  status: { conditions: [{ type: 'Ready', status: 'True', ...(lastTransitionTime && { lastTransitionTime }) }] },
});
const notReady: Pod = { ...aPod(), status: { conditions: [{ type: 'Ready', status: 'False' }] } };

describe('downtime', () => {
  test('is the freeze and the time until the pod is seen to be Ready', () => {
    expect(downtimeMs(ran, ready(), ranAt + 850)).toBe(1162);
  });

  test('does not grow with the time in which nobody looked, but for what the API rounds', () => {
    // Ready in the second that began 5 s after the copy ran
    expect(downtimeMs(ran, ready('2026-11-21T10:00:15Z'), ranAt + 60_000)).toBe(312 + 6000);
    expect(downtimeMs(ran, ready('2026-11-21T10:00:15Z'), ranAt + 5200)).toBe(312 + 5200);
  });

  test('is never shorter than the freeze, whatever the clocks say', () => {
    expect(downtimeMs(ran, ready('2026-11-21T10:00:01Z'), ranAt - 4000)).toBe(312);
  });

  test.each([
    ['there is no pod', ran, undefined],
    ['it is not Ready', ran, notReady],
    ['nobody has told that the copy runs', { ...ran, stageTimes: { run: ranAt } }, ready()],
    ['the freeze is not measured', { ...ran, measurements: {} }, ready()],
  ])('is not known when %s', (_, progress, target) => {
    expect(downtimeMs(progress, target, ranAt + 1)).toBeUndefined();
  });
});
