import { describe, expect, test } from 'vitest';
import type { FleetLog } from '../decider/publisher.ts';
import { audit, isClean } from './audit.ts';

type Log = Parameters<typeof audit>[0];

const decision = (migration: string, node: string, at: number): Log['decisions'][number] => ({ migration, node, at });
const command = (id: string, node: string, at: number, endedAt?: number): FleetLog['commands'][number] => ({
  id,
  workload: `${node}-workload`,
  node,
  epoch: 1,
  at,
  latencyMs: 1,
  expired: false,
  ...(endedAt !== undefined && { endedAt }),
});

/** Two nodes turn hot, the second one twice, and each gets its command. */
const sound: Log = {
  decisions: [decision('m-1', 'a', 10), decision('m-2', 'b', 20), decision('m-3', 'b', 60)],
  commands: [command('m-1', 'a', 11, 31), command('m-2', 'b', 21, 41), command('m-3', 'b', 61, 81)],
  lapsed: [],
  hot: [
    { node: 'a', from: 0, until: 11 },
    { node: 'b', from: 0, until: 21 },
    { node: 'b', from: 50, until: 61 },
  ],
};
const none = { repeated: [], overlapping: [], undecided: [], uncommanded: [], unrelieved: [] };

describe('the audit of a run', () => {
  test('finds nothing where each hot node got one command', () => {
    expect(audit(sound)).toEqual(none);
    expect(isClean(audit(sound))).toBe(true);
  });

  test('sees a command that was stored twice', () => {
    const faults = audit({ ...sound, commands: [...sound.commands, command('m-1', 'a', 31, 41)] });
    expect(faults).toEqual({ ...none, repeated: ['m-1'] });
    expect(isClean(faults)).toBe(false);
  });

  test('sees a second command for a workload in flight, also where the first never ended', () => {
    const decisions = [...sound.decisions, decision('m-4', 'a', 20)];
    const second = command('m-4', 'a', 21, 51);
    expect(audit({ ...sound, decisions, commands: [...sound.commands, second] }).overlapping).toEqual(['m-4']);
    const [first, ...rest] = sound.commands;
    const endless = { ...first, endedAt: undefined } as unknown as FleetLog['commands'][number];
    expect(audit({ ...sound, decisions, commands: [second, ...rest, endless] }).overlapping).toEqual(['m-4']);
  });

  test('sees a command that nobody decided', () => {
    expect(audit({ ...sound, decisions: sound.decisions.slice(1) })).toEqual({ ...none, undecided: ['m-1'] });
  });

  test('sees a decision whose command got lost', () => {
    expect(audit({ ...sound, commands: sound.commands.slice(0, 2) }).uncommanded).toEqual(['m-3']);
  });

  test('takes the word of a record that a decision has lapsed', () => {
    expect(audit({ ...sound, commands: sound.commands.slice(0, 2), lapsed: ['m-3'] })).toEqual(none);
  });

  test('lets a decision lapse that a later one with a command replaces', () => {
    expect(audit({ ...sound, commands: sound.commands.filter(({ id }) => id !== 'm-2') })).toEqual(none);
  });

  test('sees a hot node that was never relieved', () => {
    expect(audit({ ...sound, hot: [...sound.hot, { node: 'c', from: 5 }] })).toEqual({ ...none, unrelieved: ['c'] });
  });
});
