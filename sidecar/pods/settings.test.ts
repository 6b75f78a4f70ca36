import { describe, expect, test } from 'vitest';
import { type Annotated, readSettings } from './settings.ts';

const at = (kind: string, short: Record<string, string> = {}): Annotated => ({
  kind,
  name: 'web',
  annotations: Object.fromEntries(Object.entries(short).map(([key, value]) => [`godwit.dev/${key}`, value])),
});
const right = (...levels: Annotated[]) => {
  const { faults, ...settings } = readSettings(levels);
  expect(faults).toEqual([]);
  return settings;
};

describe('settings', () => {
  test('of what says nothing: it may move, and keeps its memory', () => {
    expect(right(at('Pod'))).toEqual({ migrate: true, strategy: 'auto', keeps: 'memory' });
  });

  const cases: [Record<string, string>, object][] = [
    [{ migrate: 'false' }, { migrate: false }],
    [{ 'restore-policy': 'restart' }, { strategy: 'restart', keeps: 'nothing' }],
    [{ 'restore-policy': 'checkpoint' }, { strategy: 'warm', keeps: 'memory' }],
    [{ strategy: 'cold' }, { strategy: 'cold', keeps: 'files' }],
    [
      { strategy: 'warm', state: 'files' },
      { strategy: 'warm', keeps: 'files' },
    ],
    [{ strategy: 'auto', 'restore-policy': 'restart' }, { strategy: 'restart' }],
    [{ state: 'nothing' }, { strategy: 'auto', keeps: 'nothing' }],
  ];
  test.each(cases)('of %j', (annotations, expected) => {
    expect(right(at('Pod', annotations))).toMatchObject(expected);
  });

  test('are read from the nearest object that has them, each for itself', () => {
    const pod = at('Pod', { 'restore-policy': 'checkpoint' });
    const replicaSet = at('ReplicaSet', { strategy: 'restart' });
    const deployment = at('Deployment', { migrate: 'false', state: 'files', strategy: 'cold' });
    expect(right(pod, replicaSet, deployment)).toEqual({ migrate: false, strategy: 'warm', keeps: 'files' });
    expect(right(at('Pod'), replicaSet, deployment)).toMatchObject({ strategy: 'restart' });
    expect(right(at('Pod'), at('ReplicaSet'), deployment)).toMatchObject({ strategy: 'cold' });
  });
});

describe('what is written wrong', () => {
  const cases: [Record<string, string>, object, string][] = [
    [{ migrate: 'yes' }, { migrate: false }, 'godwit.dev/migrate]: expected true or false, received "yes"'],
    [
      { strategy: 'live' },
      { strategy: 'auto' },
      'godwit.dev/strategy]: expected auto, restart, cold or warm, received "live"',
    ],
    [{ strategy: 'constructor' }, { strategy: 'auto' }, 'expected auto, restart, cold or warm, received "constructor"'],
    [{ state: 'disk' }, { keeps: 'memory' }, 'godwit.dev/state]: expected nothing, files or memory, received "disk"'],
    [{ 'restore-policy': 'Restart' }, { strategy: 'warm' }, 'expected restart or checkpoint, received "Restart"'],
  ];
  test.each(cases)('%j is told, and nothing is lost by it', (annotations, expected, fault) => {
    const below = at('Deployment', { migrate: 'true', strategy: 'restart', state: 'nothing' });
    const { faults, ...settings } = readSettings([at('Pod', annotations), below]);
    expect(settings).toMatchObject(expected);
    expect(faults).toEqual([expect.stringContaining(fault) as string]);
    expect(faults[0]).toMatch(/^Pod web: metadata\.annotations\[/);
  });

  test('a contradiction is told, and the strategy counts', () => {
    const { strategy, faults } = readSettings([at('Pod', { strategy: 'cold', 'restore-policy': 'checkpoint' })]);
    expect(strategy).toBe('cold');
    expect(faults).toEqual([
      expect.stringMatching(/expected what godwit.dev\/strategy says \(cold\), which counts$/) as string,
    ]);
  });

  test('further up does not concern a pod that says it right itself', () => {
    expect(right(at('Pod', { migrate: 'true' }), at('Deployment', { migrate: 'maybe' }))).toMatchObject({
      migrate: true,
    });
  });
});
